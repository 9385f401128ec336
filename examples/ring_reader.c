/* Looks at the newest picture of a ring of raw pictures, as a vision program does, and prints how bright it is.
 *
 *   cc -O2 ring_reader.c $(pkg-config --cflags --libs campipe-ring) -o ring_reader
 *   ./ring_reader front.raw [FRAMES]
 *
 * Nothing is copied: the picture lies in the shared memory that the camera's program drew it in.
 */
#include <campipe/ring.h>
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

static int failed(const char* what) {
  fprintf(stderr, "ring_reader: %s: %s\n", what, campipe_ring_last_error());
  return 1;
}

/* Mean of the first plane's bytes: the luma of YUV formats. */
static double brightness(const struct campipe_ring_frame_info* frame) {
  const struct campipe_ring_plane* plane = &frame->plane[0];
  const unsigned char* row = (const unsigned char*)frame->data + plane->offset;
  uint64_t sum = 0;
  for (uint32_t y = 0; y < plane->rows; ++y, row += plane->stride_bytes) {
    for (uint32_t x = 0; x < plane->row_bytes; ++x) sum += row[x];
  }
  return (double)sum / ((double)plane->rows * plane->row_bytes);
}

int main(int argc, char** argv) {
  if (argc < 2) {
    fprintf(stderr, "usage: ring_reader RING [FRAMES]\n");
    return 64;
  }
  long frames = argc > 2 ? atol(argv[2]) : -1;

  struct campipe_ring_reader_options options = {
      .size = sizeof options, .name = argv[1], .delivery = CAMPIPE_RING_NEWEST};
  campipe_ring_reader* reader;
  if (campipe_ring_reader_open(&options, &reader) != 0) return failed(argv[1]);

  while (frames != 0) {
    campipe_ring_frame* frame;
    int event = campipe_ring_reader_next(reader, -1, &frame);
    if (event < 0) return failed(argv[1]);
    if (event == CAMPIPE_RING_FORMAT) {
      struct campipe_ring_format format = {.size = sizeof format};
      campipe_ring_reader_get_format(reader, &format);
      printf("format %s %" PRIu32 "x%" PRIu32 "\n", format.pixel_format, format.width_px, format.height_px);
    }
    if (event != CAMPIPE_RING_FRAME) continue;

    struct campipe_ring_frame_info info = {.size = sizeof info};
    campipe_ring_frame_get_info(frame, &info);
    if (info.planes == 0) {
      fprintf(stderr, "ring_reader: %s: not a ring of raw pictures\n", argv[1]);
      return 65;
    }
    printf("frame %" PRIu64 " lost %" PRIu64 " %s brightness %.1f\n", info.seq, info.lost,
           info.leased ? "in place" : "copied", brightness(&info));
    fflush(stdout);
    campipe_ring_frame_release(frame);
    if (frames > 0) --frames;
  }
  campipe_ring_reader_close(reader);
  return 0;
}
