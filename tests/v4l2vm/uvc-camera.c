// uvc-camera: a USB video class camera made of software.
//
// Plugs itself into the kernel's virtual USB host controller (vhci-hcd, which
// speaks the USB/IP protocol over a socket), so that uvcvideo drives it like
// any webcam.  It serves MJPEG and H.264 frames from files and makes YUYV
// and Bayer (BGGR) frames itself, at the pace the host asked for.  Ending the process unplugs
// the camera.  Commands, one a line, come from standard input:
//
//   stall        send no more frames      resume      go on
//   freeze       repeat the last frame    rate FPS    pace (0: as negotiated)
//   error [N]    set the error bit        short [N]   leave out the second half
//   garbage [N]  overwrite a part         empty [N]   send no data
//   halt         fail the transfers (EPROTO), as a bad cable does
//
// [N] is the number of frames that it befalls, 1 unless given.
//
// usage: uvc-camera [-n PRODUCT] [-s SERIAL] [-f FPS[,FPS...]] MODE...
//   MODE: yuyv:WxH | bayer:WxH | mjpeg:WxH:FILE | h264:WxH:FILE
// FILE holds the frames one after another (for H.264 with access unit delimiters).
//
// build: cc -O2 -o uvc-camera uvc-camera.c

#include <arpa/inet.h>
#include <endian.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <unistd.h>

enum { MAX_MODES = 16, MAX_RATES = 8, MAX_URBS = 64 };
enum { PAYLOAD = 32 * 512, PAYLOAD_HEADER = 2 };  // a transfer of uvcvideo's: 32 packets
enum { CMD_SUBMIT = 1, CMD_UNLINK, RET_SUBMIT, RET_UNLINK };
enum { SET_CUR = 0x01, GET_CUR = 0x81, GET_MIN, GET_MAX, GET_RES, GET_LEN, GET_INFO, GET_DEF };
enum { KIND_YUYV, KIND_BAYER, KIND_MJPEG, KIND_H264, KINDS };

struct slice {
  const uint8_t* data;
  size_t size;
};

struct mode {
  int kind, width, height;
  int format, frame;  // indices in the descriptors, from 1
  struct slice* frames;
  size_t count;
};

struct usbip_header {
  uint32_t command, seqnum, devid, direction, ep;
  union {
    struct {
      uint32_t flags, length, start_frame, packets, interval;
      uint8_t setup[8];
    } submit;
    struct {
      uint32_t status, length, start_frame, packets, errors;
      uint8_t padding[8];
    } result;
    struct {
      uint32_t seqnum;
      uint8_t padding[24];
    } unlink;
  };
};

struct probe {  // UVC 1.1, little-endian as is the machine
  uint16_t hint;
  uint8_t format, frame;
  uint32_t interval;
  uint16_t key_rate, p_rate, quality, window, delay;
  uint32_t frame_size, payload_size, clock;
  uint8_t framing, preferred, min_version, max_version;
} __attribute__((packed));

static struct mode modes[MAX_MODES];
static int mode_count;
static int rates[MAX_RATES] = {30, 15, 5};
static int rate_count = 3;
static const char* strings[] = {NULL, "campipe", "campipe test camera", "0001"};

static int usb, timer;
static uint8_t config[4096];
static size_t config_size;
static struct probe probed, committed;
static int16_t unit_values[16] = {[2] = 128, [3] = 32, [5] = 1};  // by selector
static bool streaming;

static uint32_t urbs[MAX_URBS];
static int urb_count;
static const uint8_t* frame;
static size_t frame_left;
static bool frame_open, frame_bad, fid;
static uint8_t* scratch;        // a made or spoilt frame
static unsigned long position;  // the next frame's number in its stream

static bool stalled, frozen, halted;
static int errors, shorts, garbage, empties, forced_rate;

static size_t raw_size(const struct mode* mode) {
  return (size_t)mode->width * mode->height * (mode->kind == KIND_BAYER ? 1 : 2);
}

static bool is_made(const struct mode* mode) {
  return mode->kind == KIND_YUYV || mode->kind == KIND_BAYER;
}

static size_t max_frame_size(const struct mode* mode) {
  size_t size = raw_size(mode);
  for (size_t i = 0; i < mode->count; i++)
    if (mode->frames[i].size > size) size = mode->frames[i].size;
  return size;
}

// ---- descriptors

static void put(size_t width, uint32_t value) {
  for (; width; width--, value >>= 8) config[config_size++] = value & 255;
}
#define PUT(width, ...)                                                                                \
  do {                                                                                                 \
    const uint32_t values[] = {__VA_ARGS__};                                                           \
    for (size_t put_i = 0; put_i < sizeof values / sizeof *values; put_i++) put(width, values[put_i]); \
  } while (0)

static void fix16(size_t at, size_t value) {
  config[at] = value & 255;
  config[at + 1] = value >> 8;
}

static void put_guid(const char* fourcc) {
  for (int i = 0; i < 4; i++) put(1, fourcc[i]);
  PUT(1, 0, 0, 0x10, 0, 0x80, 0, 0, 0xaa, 0, 0x38, 0x9b, 0x71);
}

static void put_frame(struct mode* mode) {
  static const int subtype[KINDS] = {[KIND_YUYV] = 5, [KIND_BAYER] = 5, [KIND_MJPEG] = 7, [KIND_H264] = 0x11};
  size_t size = max_frame_size(mode);
  PUT(1, 26 + 4 * rate_count, 0x24, subtype[mode->kind], mode->frame, 0);
  PUT(2, mode->width, mode->height);
  PUT(4, size * 8 * rates[rate_count - 1], size * 8 * rates[0]);
  if (mode->kind != KIND_H264) put(4, size);
  put(4, 10000000 / rates[0]);
  put(1, rate_count);
  if (mode->kind == KIND_H264) put(4, 0);
  for (int i = 0; i < rate_count; i++) put(4, 10000000 / rates[i]);
}

static void put_format(int kind, int index, int frames) {
  switch (kind) {
    case KIND_YUYV:
      PUT(1, 27, 0x24, 4, index, frames);
      put_guid("YUY2");
      PUT(1, 16, 1, 0, 0, 0, 0);
      break;
    case KIND_BAYER:
      PUT(1, 27, 0x24, 4, index, frames);
      put_guid("BA81");
      PUT(1, 8, 1, 0, 0, 0, 0);
      break;
    case KIND_MJPEG:
      PUT(1, 11, 0x24, 6, index, frames, 0, 1, 0, 0, 0, 0);
      break;
    case KIND_H264:
      PUT(1, 28, 0x24, 0x10, index, frames);
      put_guid("H264");
      PUT(1, 0, 1, 0, 0, 0, 0, 1);
  }
  for (int i = 0; i < mode_count; i++)
    if (modes[i].kind == kind) put_frame(&modes[i]);
  if (kind != KIND_H264) PUT(1, 6, 0x24, 0x0d, 1, 1, 4);  // colours: BT.709, BT.709, BT.601
}

static void make_config(void) {
  int frames[KINDS] = {0}, formats = 0, order[KINDS];
  for (int i = 0; i < mode_count; i++) {
    int kind = modes[i].kind, f = 0;
    if (!frames[kind]++) order[formats++] = kind;
    while (order[f] != kind) f++;
    modes[i].format = f + 1;
    modes[i].frame = frames[kind];
  }
  PUT(1, 9, 2, 0, 0, 2, 1, 0, 0x80, 250);  // configuration
  PUT(1, 8, 0x0b, 0, 2, 0x0e, 3, 0, 0);    // interface association
  PUT(1, 9, 4, 0, 0, 0, 0x0e, 1, 0, 0);    // interface 0: video control
  PUT(1, 13, 0x24, 1, 0x10, 1, 0, 0);      // header
  size_t control = config_size - 2;
  put(4, 1000000);
  PUT(1, 1, 1);
  PUT(1, 18, 0x24, 2, 1, 1, 2, 0, 0, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0);  // 1: camera
  PUT(1, 13, 0x24, 5, 2, 1, 0, 0, 3, 3, 4, 0, 0, 0);                 // 2: brightness, contrast, power line
  PUT(1, 9, 0x24, 3, 3, 1, 1, 0, 2, 0);                              // 3: output
  fix16(control, config_size - control + 5);
  PUT(1, 9, 4, 1, 0, 1, 0x0e, 2, 0, 0);  // interface 1: video streaming
  size_t stream = config_size;
  PUT(1, 13 + formats, 0x24, 1, formats, 0, 0, 0x81, 0, 3, 0, 0, 0, 1);
  for (int f = 0; f < formats; f++) put(1, 0);
  for (int f = 0; f < formats; f++) put_format(order[f], f + 1, frames[order[f]]);
  fix16(stream + 4, config_size - stream);
  PUT(1, 7, 5, 0x81, 2, 0, 2, 0);  // bulk endpoint, 512 bytes a packet
  fix16(2, config_size);
}

// ---- USB/IP

static void transfer(bool write_it, void* data, size_t size) {
  for (uint8_t* at = data; size;) {
    ssize_t n = write_it ? write(usb, at, size) : read(usb, at, size);
    if (n <= 0 && !(n < 0 && errno == EINTR)) exit(0);  // unplugged by the host
    if (n > 0) {
      at += n;
      size -= n;
    }
  }
}

static void reply(uint32_t command, uint32_t seqnum, int status, const void* data, size_t size, size_t length) {
  static uint8_t out[sizeof(struct usbip_header) + PAYLOAD];
  struct usbip_header header = {.command = htonl(command), .seqnum = htonl(seqnum)};
  header.result.status = htonl(status);
  if (command == RET_SUBMIT) header.result.length = htonl(length);
  memcpy(out, &header, sizeof header);
  if (size) memcpy(out + sizeof header, data, size);
  transfer(true, out, sizeof header + size);
}

// ---- control requests

static const struct mode* find_mode(int format, int index) {
  for (int i = 0; i < mode_count; i++)
    if (modes[i].format == format && modes[i].frame == index) return &modes[i];
  return NULL;
}

static void settle(struct probe* probe) {
  if (!find_mode(probe->format, probe->frame)) {
    if (!find_mode(probe->format, 1)) probe->format = 1;
    probe->frame = 1;
  }
  uint32_t best = 10000000 / rates[0];
  for (int i = 1; i < rate_count; i++) {
    uint32_t interval = 10000000 / rates[i];
    if (abs((int)(interval - probe->interval)) < abs((int)(best - probe->interval))) best = interval;
  }
  probe->interval = probe->interval ? best : 10000000u / rates[0];
  probe->frame_size = max_frame_size(find_mode(probe->format, probe->frame));
  probe->payload_size = PAYLOAD;
  probe->clock = 1000000;
  probe->framing = 3;
  probe->preferred = probe->min_version = probe->max_version = 1;
}

static void set_timer(void) {
  long ns = forced_rate ? 1000000000l / forced_rate : committed.interval * 100l;
  struct itimerspec spec = {.it_interval = {ns / 1000000000, ns % 1000000000}};
  spec.it_value = spec.it_interval;
  timerfd_settime(timer, 0, &spec, NULL);
}

static void stop(void) {
  streaming = frame_open = halted = false;
  frame_left = 0;
}

static int get_descriptor(int type, int index, uint8_t* out) {
  static const uint8_t device[18] = {18, 1, 0, 2, 0xef, 2, 1, 64, 0x6b, 0x1d, 2, 1, 0, 1, 1, 2, 3, 1};
  if (type == 1) {
    memcpy(out, device, sizeof device);
    return sizeof device;
  }
  if (type == 2) {
    memcpy(out, config, config_size);
    return config_size;
  }
  if (type == 3 && index == 0) {
    memcpy(out, (uint8_t[]){4, 3, 9, 4}, 4);
    return 4;
  }
  if (type == 3 && index < 4) {
    int n = 2;
    for (const char* c = strings[index]; *c && n < 254; c++) {
      out[n++] = *c;
      out[n++] = 0;
    }
    out[0] = n;
    out[1] = 3;
    return n;
  }
  return -EPIPE;
}

static int stream_control(int request, int selector, uint8_t* data, int length) {
  if (selector != 1 && selector != 2) return -EPIPE;
  struct probe *probe = selector == 1 ? &probed : &committed, other = *probe;
  switch (request) {
    case SET_CUR:
      if (length > (int)sizeof *probe) length = sizeof *probe;
      memcpy(probe, data, length);
      settle(probe);
      if (selector == 2) {
        stop();
        streaming = true;
        position = 0;
        set_timer();
      }
      return 0;
    case GET_LEN:
      data[0] = sizeof *probe;
      data[1] = 0;
      return 2;
    case GET_INFO:
      data[0] = 3;
      return 1;
    case GET_MIN:
    case GET_MAX:
    case GET_DEF:
      other.interval = 10000000 / rates[request == GET_MIN ? 0 : request == GET_MAX ? rate_count - 1 : 0];
      settle(&other);
      break;
    case GET_CUR:
      break;
    default:
      return -EPIPE;
  }
  memcpy(data, &other, sizeof other);
  return sizeof other;
}

static int unit_control(int request, int selector, uint8_t* data) {
  static const struct {
    int size, min, max, def;
  } controls[16] = {[2] = {2, 0, 255, 128}, [3] = {2, 0, 95, 32}, [5] = {1, 0, 2, 1}};
  if (selector > 15 || !controls[selector].size) return -EPIPE;
  int value, size = controls[selector].size;
  switch (request) {
    case SET_CUR:
      unit_values[selector] = size == 2 ? data[0] | data[1] << 8 : data[0];
      return 0;
    case GET_CUR:
      value = unit_values[selector];
      break;
    case GET_MIN:
      value = controls[selector].min;
      break;
    case GET_MAX:
      value = controls[selector].max;
      break;
    case GET_DEF:
      value = controls[selector].def;
      break;
    case GET_RES:
      value = 1;
      break;
    case GET_LEN:
      value = size;
      size = 2;
      break;
    case GET_INFO:
      value = 3;
      size = 1;
      break;
    default:
      return -EPIPE;
  }
  data[0] = value & 255;
  data[1] = value >> 8;
  return size;
}

// Returns the size of the answer in data, or an error.
static int control(const uint8_t* setup, uint8_t* data) {
  int type = setup[0], request = setup[1];
  int value = setup[2] | setup[3] << 8, index = setup[4] | setup[5] << 8, length = setup[6] | setup[7] << 8;
  switch (type) {
    case 0x80:  // standard, device, in
      if (request == 6) return get_descriptor(value >> 8, value & 255, data);
      memset(data, 0, 2);
      data[0] = request == 8;  // configuration 1
      return request == 0 ? 2 : request == 8 ? 1 : -EPIPE;
    case 0x81:  // interface
    case 0x82:  // endpoint
      memset(data, 0, 2);
      return request == 0 ? 2 : request == 10 ? 1 : -EPIPE;
    case 0x00:
    case 0x01:
      return 0;
    case 0x02:  // clear halt: how a host stops a bulk stream
      if (request == 1 && index == 0x81) stop();
      return 0;
    case 0x21:  // class, interface
    case 0xa1:
      if ((index & 255) == 1) return stream_control(request, value >> 8, data, length);
      if (index >> 8 == 2) return unit_control(request, value >> 8, data);
      if (index >> 8 == 0 && value >> 8 == 2 && request == GET_CUR) {  // last error: invalid request
        data[0] = 7;
        return 1;
      }
  }
  return -EPIPE;
}

// ---- frames

static void make_yuyv(const struct mode* mode) {
  static const uint8_t bars[8][4] = {{235, 128, 235, 128}, {210, 16, 210, 146},  {170, 166, 170, 16},
                                     {145, 54, 145, 34},   {106, 202, 106, 222}, {81, 90, 81, 240},
                                     {41, 240, 41, 110},   {16, 128, 16, 128}};
  size_t stride = (size_t)mode->width * 2;
  for (int x = 0; x < mode->width / 2; x++) memcpy(scratch + x * 4, bars[x * 16 / mode->width], 4);
  for (int y = 1; y < mode->height; y++) memcpy(scratch + y * stride, scratch, stride);
  int line = position * 4 % mode->height;  // a white line that moves
  for (size_t x = 0; x < stride; x++) scratch[line * stride + x] = x & 1 ? 128 : 235;
}

// The same bars as one colour a pixel: blue and green in even lines, green and red in odd ones.
static void make_bayer(const struct mode* mode) {
  for (int y = 0; y < mode->height; y++) {
    for (int x = 0; x < mode->width; x++) {
      int bar = x * 8 / mode->width;  // white, yellow, cyan, green, magenta, red, blue, black
      bool green = (x + y) % 2, red = y % 2;
      scratch[(size_t)y * mode->width + x] = (green ? bar < 4 : red ? !(bar & 2) : !(bar & 1)) ? 255 : 0;
    }
  }
  memset(scratch + (size_t)(position * 4 % mode->height) * mode->width, 255, mode->width);
}

static void next_frame(void) {
  const struct mode* mode = find_mode(committed.format, committed.frame);
  if (frozen && position) position--;
  if (is_made(mode)) {
    mode->kind == KIND_YUYV ? make_yuyv(mode) : make_bayer(mode);
    frame = scratch;
    frame_left = raw_size(mode);
  } else {
    const struct slice* slice = &mode->frames[position % mode->count];
    frame = slice->data;
    frame_left = slice->size;
  }
  position++;
  if (garbage > 0) {
    garbage--;
    if (frame != scratch) memcpy(scratch, frame, frame_left);
    frame = scratch;
    for (size_t i = frame_left / 3; i < frame_left / 2; i++) scratch[i] = rand() & 0x7f;
  }
  if (shorts > 0) {
    shorts--;
    frame_left /= 2;
  }
  if (empties > 0) {
    empties--;
    frame_left = 0;
  }
  frame_bad = errors > 0;
  errors -= frame_bad;
  frame_open = true;
  fid = !fid;
}

static void pump(void) {
  static uint8_t payload[PAYLOAD];
  int used = 0;
  for (; used < urb_count && (halted || frame_open); used++) {
    if (halted) {
      reply(RET_SUBMIT, urbs[used], -EPROTO, NULL, 0, 0);
      continue;
    }
    size_t n = PAYLOAD - PAYLOAD_HEADER;
    if (n > frame_left) n = frame_left;
    payload[0] = PAYLOAD_HEADER;
    payload[1] = 0x80 | fid | frame_bad << 6 | (n == frame_left) << 1;
    memcpy(payload + PAYLOAD_HEADER, frame, n);
    frame += n;
    frame_left -= n;
    frame_open = frame_left > 0;
    reply(RET_SUBMIT, urbs[used], 0, payload, PAYLOAD_HEADER + n, PAYLOAD_HEADER + n);
  }
  urb_count -= used;
  memmove(urbs, urbs + used, urb_count * sizeof *urbs);
}

// ---- events

static void on_usb(void) {
  static uint8_t data[65536 + 4096];
  struct usbip_header header;
  transfer(false, &header, sizeof header);
  uint32_t seqnum = ntohl(header.seqnum);
  if (ntohl(header.command) == CMD_UNLINK) {
    uint32_t victim = ntohl(header.unlink.seqnum);
    int at = 0;
    while (at < urb_count && urbs[at] != victim) at++;
    bool found = at < urb_count;
    if (found) memmove(urbs + at, urbs + at + 1, (--urb_count - at) * sizeof *urbs);
    reply(RET_UNLINK, seqnum, found ? -ECONNRESET : 0, NULL, 0, 0);
    return;
  }
  uint32_t length = ntohl(header.submit.length);
  bool in = ntohl(header.direction) == 1;
  if (!in && length <= 65536) transfer(false, data, length);
  if (ntohl(header.ep) == 1 && in) {
    if (urb_count == MAX_URBS) errx(1, "too many transfers");
    urbs[urb_count++] = seqnum;
    pump();
    return;
  }
  int result = control(header.submit.setup, data);
  if (result < 0)
    reply(RET_SUBMIT, seqnum, result, NULL, 0, 0);
  else if (in)
    reply(RET_SUBMIT, seqnum, 0, data, result < (int)length ? result : (int)length,
          result < (int)length ? result : (int)length);
  else
    reply(RET_SUBMIT, seqnum, 0, NULL, 0, length);
}

static void on_timer(void) {
  uint64_t ticks;
  if (read(timer, &ticks, sizeof ticks) < 0) return;
  if (streaming && urb_count && !stalled && !halted && !frame_open) {
    next_frame();
    pump();
  }
}

static bool on_command(void) {
  char line[256], word[32] = "";
  ssize_t n = read(0, line, sizeof line - 1);
  if (n <= 0) return false;
  line[n] = 0;
  for (char *next = line, *one; (one = strsep(&next, "\n"));) {
    int number = 1;
    if (sscanf(one, "%31s %d", word, &number) < 1) continue;
    if (!strcmp(word, "stall"))
      stalled = true;
    else if (!strcmp(word, "resume"))
      stalled = frozen = halted = false;
    else if (!strcmp(word, "freeze"))
      frozen = true;
    else if (!strcmp(word, "halt"))
      halted = true, pump();
    else if (!strcmp(word, "rate"))
      forced_rate = number, set_timer();
    else if (!strcmp(word, "error"))
      errors = number;
    else if (!strcmp(word, "short"))
      shorts = number;
    else if (!strcmp(word, "garbage"))
      garbage = number;
    else if (!strcmp(word, "empty"))
      empties = number;
    else
      warnx("unknown command: %s", word);
  }
  return true;
}

// ---- setting up

static bool starts_frame(const struct mode* mode, const uint8_t* at) {
  if (mode->kind == KIND_MJPEG) return at[0] == 0xff && at[1] == 0xd8 && at[2] == 0xff;
  return at[0] == 0 && at[1] == 0 && at[2] == 1 && (at[3] & 31) == 9;  // access unit delimiter
}

static void load_frames(struct mode* mode, const char* path) {
  FILE* file = fopen(path, "rb");
  if (!file) err(1, "%s", path);
  fseek(file, 0, SEEK_END);
  size_t size = ftell(file);
  rewind(file);
  uint8_t* data = malloc(size + 4);
  if (!data || fread(data, 1, size, file) != size) err(1, "%s", path);
  memset(data + size, 0, 4);
  fclose(file);
  for (size_t at = 0; at < size; at++) {
    if (!starts_frame(mode, data + at)) continue;
    mode->frames = realloc(mode->frames, (mode->count + 1) * sizeof *mode->frames);
    if (!mode->frames) err(1, "frames");
    mode->frames[mode->count++] = (struct slice){data + at, size - at};
    if (mode->count > 1) {
      struct slice* before = &mode->frames[mode->count - 2];
      before->size = data + at - before->data;
    }
  }
  if (!mode->count) errx(1, "%s: no frames", path);
}

static void add_mode(char* text) {
  static const char* const kinds[KINDS] = {"yuyv", "bayer", "mjpeg", "h264"};
  struct mode* mode = &modes[mode_count++];
  char *kind = strsep(&text, ":"), *size = strsep(&text, ":");
  while (mode->kind < KINDS && strcmp(kind, kinds[mode->kind])) mode->kind++;
  if (mode->kind == KINDS || !size || sscanf(size, "%dx%d", &mode->width, &mode->height) != 2)
    errx(2, "not a mode: %s", kind);
  if (!is_made(mode)) {
    if (!text) errx(2, "%s needs a file", kind);
    load_frames(mode, text);
  }
}

static void plug_in(void) {
  static const char hub[] = "/sys/devices/platform/vhci_hcd.0";
  char path[80], line[160], speed[4];
  unsigned port = 0, status = 0;
  bool found = false;
  snprintf(path, sizeof path, "%s/status", hub);
  FILE* file = fopen(path, "r");
  if (!file) err(1, "%s (modprobe vhci-hcd)", path);
  while (!found && fgets(line, sizeof line, file))
    found = sscanf(line, "%3s %u %u", speed, &port, &status) == 3 && !strcmp(speed, "hs") && status == 4;
  fclose(file);
  if (!found) errx(1, "no free port");
  int pair[2];
  if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair)) err(1, "socketpair");
  snprintf(path, sizeof path, "%s/attach", hub);
  int attach = open(path, O_WRONLY);
  int n = snprintf(line, sizeof line, "%u %d %u 3", port, pair[0], port + 1);  // 3: high speed
  if (attach < 0 || write(attach, line, n) != n) err(1, "%s", path);
  close(attach);
  close(pair[0]);
  usb = pair[1];
}

int main(int argc, char** argv) {
  for (int option; (option = getopt(argc, argv, "n:s:f:")) != -1;) {
    switch (option) {
      case 'n':
        strings[2] = optarg;
        break;
      case 's':
        strings[3] = optarg;
        break;
      case 'f':
        rate_count = 0;
        for (char *next = optarg, *one; (one = strsep(&next, ",")) && rate_count < MAX_RATES;)
          if ((rates[rate_count] = atoi(one)) > 0) rate_count++;
        break;
      default:
        return 2;
    }
  }
  if (optind == argc || argc - optind > MAX_MODES || !rate_count)
    errx(2,
         "usage: uvc-camera [-n PRODUCT] [-s SERIAL] [-f FPS,...] yuyv:WxH | bayer:WxH | mjpeg:WxH:FILE | "
         "h264:WxH:FILE ...");
  for (; optind < argc; optind++) add_mode(argv[optind]);
  size_t biggest = 0;
  for (int i = 0; i < mode_count; i++)
    if (max_frame_size(&modes[i]) > biggest) biggest = max_frame_size(&modes[i]);
  scratch = malloc(biggest);
  timer = timerfd_create(CLOCK_MONOTONIC, 0);
  if (!scratch || timer < 0) err(1, "set-up");
  signal(SIGPIPE, SIG_IGN);
  make_config();
  settle(&probed);
  settle(&committed);
  plug_in();

  struct pollfd fds[] = {{usb, POLLIN, 0}, {timer, POLLIN, 0}, {0, POLLIN, 0}};
  for (;;) {
    if (poll(fds, 3, -1) < 0) continue;
    if (fds[0].revents) on_usb();
    if (fds[1].revents) on_timer();
    if (fds[2].revents && !on_command()) fds[2].fd = -1;
  }
}
