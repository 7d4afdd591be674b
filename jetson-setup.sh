#!/usr/bin/env bash
# Turns a stock NVIDIA JetPack into a Sentrybox appliance. Run it again at any time: what is done stays.
set -euo pipefail

usage() {
    cat <<'HELP'
Turns a stock NVIDIA JetPack on a Jetson Nano or Orin Nano into a Sentrybox appliance.

  sudo ./jetson-setup.sh --dry-run     say what would be done, and change nothing
  sudo ./jetson-setup.sh --pyds FILE --pyds-sha256 HEX --models DIR

  --pyds FILE          NVIDIA's DeepStream binding for Python (a wheel for this board, from NVIDIA's
                       deepstream_python_apps releases). Never take `pyds` from PyPI: that is an unrelated package.
  --pyds-sha256 HEX    the checksum NVIDIA publishes for that file; it is refused when it does not fit
  --models DIR         a model pack to copy, as `sentrybox models build` makes it on any computer (var/models/open-1)
  --dry-run            print each step and its commands
  --root DIR           look for the board's files under DIR instead of / (only with --dry-run; for tests)
  -h, --help           this text

Supported:
HELP
    printf '%s\n' "$SUPPORTED" | while IFS='|' read -r board l4t jetpack _; do
        printf '  %-18s L4T %-7s (JetPack %s)\n' "$board" "$l4t" "$jetpack"
    done
    cat <<'HELP'

Afterwards: write /etc/sentrybox/box.toml (docs/configuration.md), then `sentrybox doctor --config /etc/sentrybox/box.toml`.
Exit status: 0 done; 1 refused or failed; 3 done except for what the last lines name.
HELP
}

# board | L4T | JetPack | profile | DeepStream | JetPack's Python
SUPPORTED="Jetson Nano|32.7.1|4.6.1|nano-jp4|6.0|3.6
Jetson Nano|32.7.2|4.6.2|nano-jp4|6.0|3.6
Jetson Nano|32.7.3|4.6.3|nano-jp4|6.0|3.6
Jetson Nano|32.7.4|4.6.4|nano-jp4|6.0|3.6
Jetson Nano|32.7.5|4.6.5|nano-jp4|6.0|3.6
Jetson Nano|32.7.6|4.6.6|nano-jp4|6.0|3.6
Jetson Orin Nano|36.4.0|6.1|orin-jp6|7.1|3.10
Jetson Orin Nano|36.4.3|6.2|orin-jp6|7.1|3.10
Jetson Orin Nano|36.4.4|6.2.1|orin-jp6|7.1|3.10
Jetson Orin Nano|36.5.0|6.2.2|orin-jp6|7.1|3.10"

source_dir=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
app=/opt/sentrybox
data=/data/sentrybox
user=sentrybox
python_version=3.11
# pip 21.3.1 is the last that runs on the Nano's Python 3.6; it knows the tags of uv's wheel.
pip_requirement="pip==21.3.1 --hash=sha256:deaf32dcd9ab821e359cd8330786bcd077604b5c5730c0b096eda46f95c24a2d"
packages="ca-certificates python3-gi python3-numpy python3-venv
gir1.2-gstreamer-1.0 gir1.2-gst-plugins-base-1.0 gstreamer1.0-plugins-base gstreamer1.0-plugins-good gstreamer1.0-plugins-bad"

dry_run=no
root=
pyds=
pyds_sha256=
models=
number=0
steps=9
open_points=()

refuse() {
    printf 'jetson-setup: %s\n' "$*" >&2
    exit 1
}

title() {
    number=$((number + 1))
    printf '[%d/%d] %s\n' "$number" "$steps" "$*"
}

there() { printf '      already there\n'; }

needs() {
    printf '      needs %s\n' "$*"
    open_points+=("$*")
}

# run COMMAND...: does it, or with --dry-run says it.
run() {
    if [ "$dry_run" = yes ]; then
        printf '      would run:'
        printf ' %q' "$@"
        printf '\n'
    else
        "$@"
    fi
}

supported_for() {
    printf '%s\n' "$SUPPORTED" | sed 's/^\([^|]*\)|\([^|]*\)|\([^|]*\)|.*/\1 with L4T \2 (JetPack \3)/' | paste -sd';' | sed 's/;/; /g'
}

detect_board() {
    local file=$root/proc/device-tree/model found
    [ -r "$file" ] ||
        refuse "this is not a Jetson: there is no $file. Supported: $(supported_for). On a PC use \`make run\`."
    found=$(tr -d '\0' <"$file")
    case "$found" in
    *"Jetson Orin Nano"*) board="Jetson Orin Nano" ;;
    *"Jetson Nano 2GB"*) refuse "this board is '$found': 2 GB of memory are too little. Supported: $(supported_for)" ;;
    *"Jetson Nano"*) board="Jetson Nano" ;;
    *) refuse "this board is '$found'. Supported: $(supported_for)" ;;
    esac
    model=$found
}

detect_l4t() {
    local file=$root/etc/nv_tegra_release line row
    [ -r "$file" ] || refuse "$model has no $file, so JetPack is not installed. Flash one of: $(supported_for)"
    line=$(head -n 1 "$file")
    l4t=$(printf '%s\n' "$line" | sed -n 's/^# R\([0-9]\{1,\}\) (release), REVISION: \([0-9.]\{1,\}\),.*/\1.\2/p')
    [ -n "$l4t" ] || refuse "$file cannot be understood; its first line is '$line'"
    row=$(printf '%s\n' "$SUPPORTED" | grep -F "$board|$l4t|" || true)
    [ -n "$row" ] || refuse "$model runs L4T $l4t. Supported: $(supported_for)"
    IFS='|' read -r _ _ jetpack profile deepstream jetpack_python <<<"$row"
}

step_deepstream() {
    local dir=$root/opt/nvidia/deepstream/deepstream-$deepstream
    title "DeepStream $deepstream"
    if [ -d "$dir" ]; then
        there
    else
        needs "DeepStream $deepstream: install it with NVIDIA's SDK Manager or its Debian package, so that $dir exists"
    fi
}

step_packages() {
    local name missing=()
    title "Debian packages for cameras"
    for name in $packages; do
        if [ "$(dpkg-query -W -f='${db:Status-Abbrev}' "$name" 2>/dev/null || true)" != "ii " ]; then missing+=("$name"); fi
    done
    if [ ${#missing[@]} -eq 0 ]; then
        there
        return
    fi
    run apt-get -y -o DPkg::Lock::Timeout=300 -o Acquire::Retries=3 update
    run env DEBIAN_FRONTEND=noninteractive apt-get -y -o DPkg::Lock::Timeout=300 install --no-install-recommends --no-upgrade "${missing[@]}"
}

step_user() {
    local group
    title "the user '$user', who may use cameras and the graphics processor but not log in"
    if grep -q "^$user:" "$root/etc/passwd" 2>/dev/null; then
        there
    else
        run useradd --system --user-group --home-dir "$data" --no-create-home --shell /usr/sbin/nologin "$user"
    fi
    for group in video render; do
        if grep -q "^$group:" "$root/etc/group" 2>/dev/null; then run usermod --append --groups "$group" "$user"; fi
    done
}

step_folders() {
    title "folders"
    run install -d -m 755 "$app" /etc/sentrybox
    run install -d -m 750 -o "$user" -g "$user" "$data" "$data/models" "$data/engines"
}

step_python() {
    title "Python $python_version for the appliance, apart from JetPack's Python $jetpack_python"
    if [ -x "$root$app/venv/bin/python" ]; then
        there
        return
    fi
    run python3 -m venv --clear "$app/bootstrap"
    if [ "$dry_run" = yes ]; then
        printf '      would install, by checksum, %s and uv of requirements/bootstrap.lock into %s\n' "${pip_requirement%% *}" "$app/bootstrap"
    else
        printf '%s\n' "$pip_requirement" >"$app/bootstrap/pip.lock"
        take_from_lock uv <"$source_dir/requirements/bootstrap.lock" >"$app/bootstrap/uv.lock"
        "$app/bootstrap/bin/pip" install --require-hashes -r "$app/bootstrap/pip.lock"
        "$app/bootstrap/bin/pip" install --require-hashes -r "$app/bootstrap/uv.lock"
    fi
    run env "UV_PYTHON_INSTALL_DIR=$app/python" "$app/bootstrap/bin/uv" python install "$python_version"
    run env "UV_PYTHON_INSTALL_DIR=$app/python" "$app/bootstrap/bin/uv" venv --managed-python --python "$python_version" "$app/venv"
}

# take_from_lock NAME: only that package, with its checksums, of the lock on stdin.
take_from_lock() {
    awk -v only="$1" '/^[a-z0-9]/ { name = $1; sub(/[=;].*/, "", name) } name == only'
}

step_application() {
    local uv=$app/bootstrap/bin/uv
    # Of the extra "box": the vision worker's packages are JetPack's own.
    title "Sentrybox and its Python packages (requirements/box.lock)"
    run "$uv" pip install --python "$app/venv/bin/python" --require-hashes -r "$source_dir/requirements/bootstrap.lock"
    run "$uv" pip install --python "$app/venv/bin/python" --require-hashes -r "$source_dir/requirements/box.lock"
    run "$uv" pip install --python "$app/venv/bin/python" --reinstall --no-deps --no-build-isolation "$source_dir"
    run ln -sfn "$app/venv/bin/sentrybox" /usr/local/bin/sentrybox
}

step_vision() {
    local wheels=$app/wheels
    title "the vision worker, alone, in JetPack's Python $jetpack_python"
    run rm -rf "$wheels"
    run "$source_dir/scripts/vision-wheel" "$app/bootstrap/bin/uv" "$app/venv/bin/python" "$wheels"
    run "python$jetpack_python" -m venv --system-site-packages "$app/vision"
    run "$app/vision/bin/python" -m pip install --no-deps --no-index --force-reinstall --find-links "$wheels" sentrybox-vision
}

step_pyds() {
    local found
    title "pyds, DeepStream's binding for JetPack's Python $jetpack_python"
    if [ -z "$pyds" ]; then
        needs "pyds wheel given by --pyds FILE --pyds-sha256 HEX"
        return
    fi
    [ -r "$pyds" ] || refuse "--pyds $pyds cannot be read"
    found=$(sha256sum "$pyds" | cut -d' ' -f1)
    [ "$found" = "$pyds_sha256" ] || refuse "--pyds $pyds has SHA-256 $found, not $pyds_sha256; it is not installed"
    run "$app/vision/bin/python" -m pip install --no-deps --no-index "$pyds"
}

step_models() {
    title "model pack"
    if [ -z "$models" ]; then
        if [ -n "$(ls "$root$data/models" 2>/dev/null || true)" ]; then
            there
        else
            needs "a model pack: run \`sentrybox models build\` on any computer and give its folder by --models DIR"
        fi
        return
    fi
    [ -r "$models/manifest.json" ] || refuse "--models $models is not a model pack: it has no manifest.json"
    run cp -r "$models" "$data/models/"
    run chown -R "$user:$user" "$data/models"
}

while [ $# -gt 0 ]; do
    case "$1" in
    --dry-run) dry_run=yes ;;
    --root | --pyds | --pyds-sha256 | --models)
        [ $# -ge 2 ] || refuse "$1 needs a value; see --help"
        case "$1" in
        --root) root=${2%/} ;;
        --pyds) pyds=$2 ;;
        --pyds-sha256) pyds_sha256=$2 ;;
        --models) models=${2%/} ;;
        esac
        shift
        ;;
    -h | --help)
        usage
        exit 0
        ;;
    *) refuse "unknown argument '$1'; see --help" ;;
    esac
    shift
done
if [ -n "$root" ] && [ "$dry_run" = no ]; then refuse "--root is only for --dry-run"; fi
if [ -n "$pyds" ] && ! [[ "$pyds_sha256" =~ ^[0-9a-f]{64}$ ]]; then
    refuse "--pyds needs --pyds-sha256 with the 64 hexadecimal digits of its checksum"
fi

detect_board
detect_l4t
printf 'found %s, L4T %s (JetPack %s): profile %s\n' "$model" "$l4t" "$jetpack" "$profile"
if [ "$dry_run" = no ] && [ "$(id -u)" -ne 0 ]; then refuse "must run as root: sudo $0 ..."; fi

step_deepstream
step_packages
step_user
step_folders
step_python
step_application
step_vision
step_pyds
step_models

if [ ${#open_points[@]} -gt 0 ]; then
    printf '\nstill needed before this box can see:\n'
    printf '  - %s\n' "${open_points[@]}"
    if [ "$dry_run" = no ]; then exit 3; fi
else
    printf '\ndone. Next: write /etc/sentrybox/box.toml, then sentrybox doctor --config /etc/sentrybox/box.toml\n'
fi
