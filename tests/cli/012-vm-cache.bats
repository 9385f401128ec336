# The cache of tests/v4l2vm: what one version has made is not what another uses.
load helper

prepare() {
  cp -r "$ROOT/tests/v4l2vm" vm
  export CAMPIPE_VM_CACHE=$PWD/cache
  names >before
}

names() { vm/run-in-vm --names; }
vm_name() { sed -n 1p "$1"; }
rest() { sed -n "$2p" "$1" | sed 's|.*/||'; } # FILE LINE

@test "the same sources give the same names, in the folder that is asked for" {
  names >after
  cmp before after
  assert_equal "$(grep -c "^$PWD/cache/vm-" before)" 3
}

@test "another camera, init, build step, kernel or module gives another name to what is made of it, and only to that" {
  echo "// changed" >>vm/uvc-camera.c
  names >after
  assert_equal "$(head -2 after)" "$(head -2 before)"
  [ "$(rest after 3)" != "$(rest before 3)" ]
  cp after before
  echo "# changed" >>vm/guest-init
  names >after
  assert_equal "$(vm_name after)" "$(vm_name before)"
  [ "$(rest after 2)" != "$(rest before 2)" ]
  assert_equal "$(rest after 3)" "$(rest before 3)"
  cp after before
  sed -i 's/^build() {/build() {\n\t: changed/' vm/run-in-vm
  names >after
  [ "$(vm_name after)" != "$(vm_name before)" ]
  for word in CAMPIPE_VM_KERNEL=6.12.0 CAMPIPE_VM_MODULES=dummy; do
    [ "$(env "$word" vm/run-in-vm --names | head -1)" != "$(vm_name after)" ]
  done
}
