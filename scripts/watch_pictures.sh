#!/bin/sh
# Makes the pictures of docs/watching.md: trains three short runs of configs/tiny.yaml on two ranks,
# writes the report about them, and lets a browser without a window look at it.
#
#   scripts/watch_pictures.sh [PROGRAM]     default: lockstep, as found on the path
#
# Needs data/kjv, mpirun and a Chromium (launch/test.sh installs both). Writes docs/images/watch*.png.
set -eu
program=${1:-lockstep}
unset CDPATH
cd "$(dirname "$0")/.."
browser=$(command -v chromium-headless-shell || command -v chromium || command -v google-chrome)
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
# dash ends at a signal without its EXIT trap.
trap 'exit 1' INT TERM HUP

for rate in 1e-3 3e-3 1e-2; do
  mpirun --oversubscribe -np 2 "$program" train configs/tiny.yaml --quiet --set steps=600 \
    --set optimizer.learning_rate=$rate --set evaluate.every=50 --set checkpoint.every=600 \
    --set 'samples={every: 200, prompts: ["In the beginning"], max_tokens: 60}' \
    --output "$folder/runs/rate-$rate"
done
"$program" report "$folder/runs" --output "$folder/report.html"

# picture NAME WIDTH HEIGHT APPEARANCE (0 is dark, 1 light)
picture() {
  "$browser" --headless --no-sandbox --disable-gpu --disable-dev-shm-usage --no-first-run \
    --hide-scrollbars --user-data-dir="$folder/profile" --window-size="$2,$3" \
    --blink-settings=preferredColorScheme="$4" --screenshot="docs/images/$1.png" \
    "file://$folder/report.html" 2>/dev/null
  ls -l "docs/images/$1.png"
}
picture watch 1200 625 1
picture watch-dark 1200 625 0
picture watch-phone 390 844 0
