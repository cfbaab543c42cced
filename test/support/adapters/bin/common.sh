# What the stand-ins for operators' programs share: objects are files below $STORE, and files in $FAULTS make them
# misbehave: `<fault>-<put|get|list|move>`, where the file says how often, or nothing for always.

object() { printf '%s/%s' "$STORE" "$1"; }

# Whether a fault is to happen now; uses up one time of it.
fault() {
  local file="$FAULTS/$1" left
  [ -e "$file" ] || return 1
  left=$(cat "$file")
  [ -n "$left" ] || return 0
  if [ "$left" -le 1 ]; then rm -f "$file"; else echo $((left - 1)) >"$file"; fi
}

begin() {
  echo "$1 $2" >>"$FAULTS/log"
  if [ -e "$FAULTS/noise" ]; then echo "WARNING: a newer version is available" >&2; fi
  if fault "hang-$1"; then
    trap '' TERM
    echo $$ >>"$FAULTS/hangs"
    sleep 1000 </dev/null
  fi
  if fault "fail-$1"; then
    echo "ServerError: 503 Slow down; token ${SECRET_TOKEN:-none} https://user:hunter2@store/?sig=abcdef0123" >&2
    exit 1
  fi
}

# Stores stdin when it ends, as uploads do.
put() {
  begin put "$1"
  local file part
  file=$(object "$1")
  mkdir -p "$(dirname "$file")" "$STORE/.parts"
  part=$(mktemp "$STORE/.parts/XXXXXX")
  cat >"$part"
  if fault nothing-put; then rm "$part"; return 0; fi
  if fault part-put; then head -c 20 "$part" >"$part.cut"; mv "$part.cut" "$part"; fi
  if fault page-put; then echo '<html>503 Service Unavailable</html>' >"$part"; fi
  mv "$part" "$file"
}

has() { [ -f "$(object "$1")" ]; }

get() {
  if fault cut-get; then head -c 20 "$(object "$1")"; return 0; fi
  cat "$(object "$1")"
}

# Names directly below a prefix that ends with a slash; folders with a slash at the end.
names() {
  local entry
  for entry in "$(object "$1")"*; do
    [ -e "$entry" ] || continue
    if [ -d "$entry" ]; then echo "$(basename "$entry")/"; else basename "$entry"; fi
  done
}

move() {
  mkdir -p "$(dirname "$(object "$2")")"
  mv "$(object "$1")" "$(object "$2")"
}

# Arguments without flags; those of $VALUED take a value.
positional() {
  ARGS=()
  while [ $# -gt 0 ]; do
    case " ${VALUED:-} " in *" $1 "*) shift 2 || exit 2; continue ;; esac
    case "$1" in -?*) ;; *) ARGS+=("$1") ;; esac
    shift
  done
}
