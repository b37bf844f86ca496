#!/usr/bin/env bash
# image.sh [api]: builds an image of deploy/docker/Dockerfile without Docker, runs its file system and reads a document with it.
# buildah builds in a chroot, on a Debian that mmdebstrap makes in place of the registry's; so this needs root. Base, wheels
# and image stay in build/image. Nothing else of the system changes but two Debian packages.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

readonly TARGET=${1:-api}
readonly FOLDER=$PWD/build/image
readonly BASE=localhost/invoicegen-base
readonly IMAGE=localhost/invoicegen-$TARGET
readonly SUITE=bookworm
export DEBIAN_FRONTEND=noninteractive

build() {
  buildah --root "$FOLDER/storage" --runroot "$FOLDER/run" --storage-driver overlay "$@"
}

((EUID == 0)) || { printf 'image: needs root, for chroot and mounts\n' >&2; exit 1; }
for tool in buildah mmdebstrap; do
  command -v "$tool" >/dev/null || { apt-get update --quiet && apt-get install --quiet --yes --no-install-recommends "$tool"; }
done
mkdir -p "$FOLDER/wheels"

if ! build inspect --type image "$BASE" >/dev/null 2>&1; then
  printf '== the base: Debian %s\n' "$SUITE"
  # without what the registry's slim one leaves out
  mmdebstrap --quiet --variant=minbase --dpkgopt=path-exclude=/usr/share/{doc,info,locale,man}/\* "$SUITE" "$FOLDER/base.tar"
  printf 'FROM scratch\nADD base.tar /\nCMD ["bash"]\n' >"$FOLDER/base.Dockerfile"
  build bud --quiet --isolation chroot --tag "$BASE" --file "$FOLDER/base.Dockerfile" "$FOLDER"
  rm "$FOLDER/base.tar"
fi

printf '== the wheels\n'
.venv/bin/python -m pip download --quiet --quiet --disable-pip-version-check --no-deps --dest "$FOLDER/wheels" \
  --requirement deploy/docker/requirements-build.lock
.venv/bin/python -m pip download --quiet --quiet --disable-pip-version-check --no-deps --dest "$FOLDER/wheels" \
  --requirement "deploy/docker/requirements-$TARGET.lock"

printf '== the image\n'
build bud --isolation chroot --format docker --target "$TARGET" --tag "$IMAGE" \
  --build-context "wheels=$FOLDER/wheels" --build-arg "BASE_IMAGE=$BASE" --build-arg PIP_NO_INDEX=1 \
  --build-arg "REVISION=$(git rev-parse HEAD)" --file deploy/docker/Dockerfile . >"$FOLDER/build.log" 2>&1 ||
  { tail -n 40 "$FOLDER/build.log" >&2; exit 1; }

printf '== its file system, run\n'
build inspect --type image "$IMAGE" >"$FOLDER/$TARGET.json"
container=$(build from "$IMAGE")
trap 'build rm "$container" >/dev/null' EXIT
root=$(build mount "$container")
.venv/bin/python scripts/image_proof.py "$root" "$FOLDER/$TARGET.json" "$FOLDER/$TARGET.log"
cp "$root/opt/invoicegen/sbom.json" "$FOLDER/$TARGET-sbom.json"
printf '\n== sizes\n'
build images --format '{{.Name}} {{.Size}}'
du --summarize --human-readable "$root/opt/invoicegen" | sed "s#$root##"
