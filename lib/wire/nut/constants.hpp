#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

/// Constants of the NUT container (nut.txt of ffmpeg.org/~michael/nut.txt, version 3 and 4) and what campipe adds to it
/// within its rules; campipe-stream(5) has all of it byte by byte.
namespace campipe::wire::nut {

constexpr std::uint64_t start_code(char letter, std::uint64_t rest) {
  return rest + (((std::uint64_t{'N'} << 8) + static_cast<std::uint64_t>(letter)) << 48);
}
constexpr std::uint64_t kMainStart = start_code('M', 0x7A561F5F04ADULL);
constexpr std::uint64_t kStreamStart = start_code('S', 0x11405BF2F9DBULL);
constexpr std::uint64_t kSyncStart = start_code('K', 0xE4ADEECA4569ULL);
constexpr std::uint64_t kInfoStart = start_code('I', 0xAB68B596BA78ULL);
constexpr std::uint64_t kIndexStart = start_code('X', 0xDD672F23E64EULL);
constexpr std::size_t kStartCodeBytes = 8;

/// With the final zero.
constexpr std::string_view kFileId{"nut/multimedia container\0", 25};

enum FrameFlag : unsigned {
  kKey = 1,
  kEndOfRelevance = 2,
  kCodedPts = 8,
  kStreamId = 16,
  kSizeMsb = 32,
  kChecksum = 64,
  kReserved = 128,
  kSideData = 256,  // version 4
  kHeaderIdx = 1024,
  kMatchTime = 2048,
  kCoded = 4096,
  kInvalid = 8192,
};

enum MainFlag : unsigned { kBroadcast = 1, kPipe = 2 };  // version 4

/// Limits on what a writer may claim.
constexpr std::size_t kMaxHeaderBytes = std::size_t{1} << 20;
constexpr std::size_t kMaxStreams = 64;
constexpr std::int64_t kMaxPtsUs = std::int64_t{1}
                                   << 52;  ///< year 2112; sums with clock anchors stay far from overflow

/// What we write: one valid frame code; all others are invalid, so that a reader which lost its place notices at once.
constexpr std::uint8_t kFrameCode = 'F';
constexpr unsigned kFrameCodeFlags = kCoded | kStreamId | kCodedPts | kSizeMsb | kChecksum;
constexpr unsigned kPtsShift = 7;
constexpr std::uint64_t kMaxDistance = 32767;

/// Last bytes of our main header (its reserved part): says that frames have the reserved fields below.
constexpr std::string_view kMarker = "campipe1";

/// The reserved fields of each frame, in order.
enum ReservedField : std::size_t { kFieldFlags, kFieldSequence, kFieldCapture, kFieldCrc, kFieldDts, kFieldCount };
/// Bits of kFieldFlags. A `known` bit that is not set: that field is unknown and written as 0.
enum ReservedFlag : std::uint64_t {
  kIsCorrupt = 1,
  kIsDiscontinuity = 2,
  kSequenceKnown = 4,
  kCaptureKnown = 8,
  kDtsKnown = 16,
};
constexpr std::size_t kCrcBytes = 64;  ///< the last min(this, size) bytes of a payload are under kFieldCrc

/// Keys of info packets.
constexpr std::string_view kKeyVersion = "campipe.version";
constexpr std::string_view kKeyClock = "campipe.clock";
constexpr std::string_view kKeyOffset = "campipe.realtime_offset_us";
constexpr std::string_view kKeySource = "campipe.state";  ///< to_text(SourceStatus); may come between frames
constexpr std::string_view kKeyRange = "campipe.range";
constexpr std::string_view kKeyMatrix = "campipe.matrix";
constexpr std::string_view kKeyFrameRate = "r_frame_rate";  ///< libavformat's

}  // namespace campipe::wire::nut
