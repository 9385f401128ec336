# camenc: colours, with ffmpeg as the judge.
load helper

# psnr_of A B: average PSNR in dB of two files, both as limited BT.601 yuv420p; 99 when they are equal
psnr_of() {
  local chain="settb=1/1000,setpts=N,scale=out_range=limited:out_color_matrix=bt601:flags=accurate_rnd+full_chroma_int,format=yuv420p"
  ffmpeg -i "$1" -i "$2" -lavfi "[0]$chain[a];[1]$chain[b];[a][b]psnr" -f null - 2>&1 |
    sed -n 's/.*average:\([0-9.inf]*\).*/\1/p' | sed 's/inf/99/'
}

# pixel FILE X Y: R G B of a pixel of the first picture, as ffmpeg shows it
pixel() {
  ffmpeg -v error -i "$1" -frames:v 1 -vf "crop=2:2:$2:$3:exact=1,scale=in_range=auto:flags=accurate_rnd,format=rgb24" -f rawvideo - |
    od -An -tu1 -N3 | xargs
}

bars() { # FILE PIXFMT [SCALE OPTIONS]
  ffmpeg -v error -y -f lavfi -i smptehdbars=s=640x360:r=30:d=0.2 -vf "scale=${3:-out_range=limited:out_color_matrix=bt601},format=$2" \
    -c:v rawvideo -f rawvideo "$1"
}

@test "camenc -c mjpeg keeps the colours of every pixel format" {
  bars reference.raw yuv444p
  ffmpeg -v error -f rawvideo -pix_fmt yuv444p -s 640x360 -i reference.raw -c:v ffv1 reference.nut
  for format in yuv420p yuv422p yuv444p nv12 nv21 yuyv422 uyvy422 yvyu422 rgb24 bgr24 rgba bgra rgb0 bgr0 rgb565le; do
    bars in.raw $format
    camenc -q 95 --input-format rawvideo:$format:640x360@30 --output-format mjpeg <in.raw >out.mjpeg
    least=33
    [ $format = rgb565le ] && least=29
    assert_between "$(psnr_of out.mjpeg reference.nut)" $least 99 $format
  done
}

@test "camenc -c h264 keeps the colours of every pixel format" {
  bars reference.raw yuv444p
  ffmpeg -v error -f rawvideo -pix_fmt yuv444p -s 640x360 -i reference.raw -c:v ffv1 reference.nut
  for format in yuv420p nv12 yuyv422 rgb24 bgra; do
    bars in.raw $format
    camenc -c h264 -b 8M --input-format rawvideo:$format:640x360@30 <in.raw >out.nut
    assert_between "$(psnr_of out.nut reference.nut)" 33 99 $format
  done
}

@test "white stays white and black black, in and out of both codecs" {
  $PYTHON "$ROOT/tests/support/counted_frames.py" 320 240 3 >in.y4m # limited range; white below on the left, black on the right
  camenc -q 95 <in.y4m >1.nut
  camenc -c h264 -b 4M <1.nut >2.nut
  camenc -q 95 <2.nut >3.nut
  camenc -c raw --pixel-format rgb24 <3.nut >4.nut
  for file in 1 2 3 4; do
    read -r r g b <<<"$(pixel $file.nut 10 225)"
    assert_between "$r" 253 255 "red of white in $file"
    assert_between "$g" 253 255 "green of white in $file"
    assert_between "$b" 253 255 "blue of white in $file"
    read -r r g b <<<"$(pixel $file.nut 306 225)"
    assert_between "$r" 0 2 "red of black in $file"
    assert_between "$g" 0 2 "green of black in $file"
  done
}

@test "a JPEG out of H.264 of BT.709 shows the same colours" {
  ffmpeg -v error -f lavfi -i smptehdbars=s=1280x720:r=30:d=0.2 -vf scale=out_color_matrix=bt709:out_range=limited,format=yuv420p \
    -c:v libx264 -qp 4 -color_range tv -colorspace bt709 -color_primaries bt709 -color_trc bt709 -f nut in.nut
  camenc -q 95 <in.nut >out.nut
  assert_between "$(psnr_of out.nut in.nut)" 36 99
}

@test "full-range JPEG becomes limited H.264 of the same colours, and says so" {
  ffmpeg -v error -f lavfi -i smptehdbars=s=640x360:r=30:d=0.2 -pix_fmt yuvj420p -c:v mjpeg -q:v 2 -f mjpeg in.mjpeg
  camenc -c h264 -b 8M <in.mjpeg >out.nut
  assert_equal "$(ffprobe -v error -show_entries stream=color_range,color_space -of csv=p=0 out.nut)" tv,smpte170m
  assert_between "$(psnr_of out.nut in.mjpeg)" 36 99
}

@test "camenc takes the other samplings that JPEG has" {
  for format in yuvj422p yuvj444p; do
    ffmpeg -v error -y -f lavfi -i smptehdbars=s=640x360:r=30:d=0.2 -pix_fmt $format -c:v mjpeg -q:v 2 -f mjpeg in.mjpeg
    camenc -q 95 <in.mjpeg >out.nut
    assert_between "$(psnr_of out.nut in.mjpeg)" 36 99 $format
    assert_equal "$(ffprobe -v error -show_entries stream=pix_fmt -of csv=p=0 out.nut)" yuvj420p
  done
}

@test "camenc -c raw gives every pixel format" {
  bars reference.raw yuv444p
  ffmpeg -v error -f rawvideo -pix_fmt yuv444p -s 640x360 -i reference.raw -c:v ffv1 reference.nut
  bars in.raw yuv422p
  for format in yuv420p yuv422p yuv444p nv12 nv21 yuyv422 uyvy422 yvyu422 rgb24 bgr24 rgba bgra rgb0 bgr0; do
    camenc --input-format rawvideo:yuv422p:640x360@30 --output-format rawvideo --pixel-format $format <in.raw >out.raw
    ffmpeg -v error -y -f rawvideo -pix_fmt $format -s 640x360 -i out.raw -c:v ffv1 -pix_fmt "$(case $format in *rgb* | *bgr*) echo bgr0 ;; *) echo yuv444p ;; esac)" out.nut
    assert_between "$(psnr_of out.nut reference.nut)" 33 99 $format
  done
}
