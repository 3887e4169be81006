# Sourced by setup.sh and cuda.sh: pinned downloads into .deps/, each step done once. Needs the folder $deps and the
# function fail.
wheels=$deps/wheels

# fetch NAME SIZE: downloads the pinned wheel NAME and checks its hash; prints the file's path.
fetch() {
  local name=$1 size=$2 requirement file
  requirement=$(grep -E "^$name==" scripts/wheels.txt) || fail "scripts/wheels.txt does not name $name."
  mkdir -p "$wheels"
  echo "setup: fetching $name ($size) into .deps/" >&2
  local folder
  folder=$(mktemp -d "$wheels/$name.XXXXXX")
  if ! echo "$requirement" | python3 -m pip download --quiet --disable-pip-version-check --no-deps --require-hashes \
    --only-binary=:all: --python-version 3.12 --implementation cp --abi cp312 --abi none --platform any \
    --platform manylinux_2_28_x86_64 --platform manylinux_2_25_x86_64 --platform manylinux_2_17_x86_64 \
    --platform manylinux2014_x86_64 --platform manylinux2010_x86_64 --dest "$folder" --requirement /dev/stdin >&2; then
    rm -rf "$folder"
    fail "could not download $name; check the network, the free space of $deps and pip's index (pip config list), then run this again: what is already there is kept."
  fi
  file=$(ls "$folder"/*.whl)
  mv "$file" "$wheels/"
  rm -rf "$folder"
  echo "$wheels/$(basename "$file")"
}

# unpack WHEEL DESTINATION PREFIX…: the files of the wheel whose names begin with a prefix. A wheel is a zip archive.
unpack() {
  python3 - "$@" <<'PY'
import sys, zipfile
wheel, destination, *prefixes = sys.argv[1:]
with zipfile.ZipFile(wheel) as archive:
    names = [n for n in archive.namelist() if n.startswith(tuple(prefixes))]
    if not names:
        sys.exit(f"setup: {wheel} holds none of {prefixes}")
    archive.extractall(destination, names)
PY
}

# done_with STAMP: true if that step was finished; finish STAMP records it.
done_with() { [ -f "$deps/$1.done" ]; }
finish() { touch "$deps/$1.done"; }
