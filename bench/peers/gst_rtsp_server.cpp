// gst-rtsp-server as one would set it up for a fan-out: one stream, pulled once from elsewhere and shared by all
// clients.
//
//   peer_gst_rtsp_server PORT rtsp://SOURCE    serves rtsp://127.0.0.1:PORT/cam
#include <cstdio>
#include <string>

#include <gst/rtsp-server/rtsp-server.h>

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fputs("usage: peer_gst_rtsp_server PORT rtsp://SOURCE\n", stderr);
    return 64;
  }
  gst_init(nullptr, nullptr);
  GMainLoop* loop = g_main_loop_new(nullptr, FALSE);
  GstRTSPServer* server = gst_rtsp_server_new();
  gst_rtsp_server_set_address(server, "127.0.0.1");
  gst_rtsp_server_set_service(server, argv[1]);
  gst_rtsp_server_set_backlog(server, 1000);
  GstRTSPMediaFactory* factory = gst_rtsp_media_factory_new();
  const std::string pipeline =
      std::string("( rtspsrc location=") + argv[2] +
      " latency=0 protocols=tcp ! rtph264depay ! h264parse config-interval=-1 ! rtph264pay name=pay0 pt=96 )";
  gst_rtsp_media_factory_set_launch(factory, pipeline.c_str());
  gst_rtsp_media_factory_set_shared(factory, TRUE);
  GstRTSPMountPoints* mounts = gst_rtsp_server_get_mount_points(server);
  gst_rtsp_mount_points_add_factory(mounts, "/cam", factory);
  g_object_unref(mounts);
  if (gst_rtsp_server_attach(server, nullptr) == 0) {
    std::fputs("peer_gst_rtsp_server: cannot listen\n", stderr);
    return 69;
  }
  g_main_loop_run(loop);
}
