#!/bin/sh
# Print the first Python of a version that Rollcall is tested on. PYTHON_BASE names the only one to
# look at. Exits with 2 if there is none.
if [ -n "$PYTHON_BASE" ]; then
  set -- "$PYTHON_BASE"
else
  set -- python3 python3.13 python3.12 python3.11 python
fi
looked_for=$*
for python; do
  version=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null) ||
    continue
  case $version in
    3.11 | 3.12 | 3.13) printf '%s\n' "$python"; exit 0 ;;
  esac
  found="${found:+$found, }$python, which is $version"
done
echo "rollcall: needs Python 3.11, 3.12 or 3.13, and found ${found:-none of $looked_for}:" \
  "install one, or name it with PYTHON_BASE=/path/to/python3" >&2
exit 2
