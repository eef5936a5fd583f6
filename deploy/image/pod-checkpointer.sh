#!/bin/sh
# The entry point of the image. Starts Node.js on the start line of deploy/start-line.ts (a test keeps the two equal), and
# for every command: what is run beside the agent with `kubectl exec` lives within the agent's memory limit.
#
# `agent` waits for the lock of the host before Node.js is started, so that the second agent of a node (the standby) costs
# one flock (and this shell, where the pod has a pid namespace of its own), not a second runtime. The lock belongs to the
# open file: it goes over to Node.js with descriptor 3 and ends with it, however it ends.

export MALLOC_ARENA_MAX=1 UV_THREADPOOL_SIZE=2
start() {
  exec /usr/bin/node --lite-mode --max-semi-space-size=1 --single-threaded --v8-pool-size=0 --no-node-snapshot \
    --bytecode-old-age=1 \
    /usr/lib/pod-checkpointer/pod-checkpointer.cjs "$@"
}
refuse() { # SENTENCE EXIT-CODE
  echo "pod-checkpointer agent: $1" >&2
  exit "$2"
}

[ "${1-}" = agent ] || start "$@"
for word; do
  case $word in --help | -h) start "$@" ;; esac
done

# From the waiting flock below: descriptor 3 is locked.
[ -z "${POD_CHECKPOINTER_LOCK_FD-}" ] || start "$@"

# As process 1 the kernel drops every signal that has no handler. $! is the waiting flock, or nothing yet.
trap 'kill $! 2>/dev/null; exit 0' TERM INT

state=${POD_CHECKPOINTER_STATE_DIR:-/var/lib/pod-checkpointer}
[ -d "$state" ] || refuse "the state directory $state does not exist: mount the node's directory there, or name it in POD_CHECKPOINTER_STATE_DIR" 2
# A directory of others: no lock is made in it. The agent refuses it, and says why (src/adapters/disk/state-dir.ts).
if ! [ -e "$state/format" ]; then
  for name in "$state"/* "$state"/.[!.]*; do
    case ${name##*/} in
      active.json) break ;;
      lock | tmp | checkpoints | lost+found | '*' | '.[!.]*') ;;
      *) start "$@" ;;
    esac
  done
fi
mask=$(umask)
umask 077
# Opened for reading and writing: created where it is missing, never truncated.
command exec 3<>"$state/lock" || refuse "the lock $state/lock cannot be opened: mount $state read-write, and let it belong to root" 2
umask "$mask"

if ! flock -n -x 3; then
  echo '{"level":"info","msg":"Another agent on this node holds the lock; waiting"}'
  if [ $$ != 1 ]; then
    # in the node's pid namespace flock dies of a signal as any program: it needs no shell around it
    exec 3<&-
    export POD_CHECKPOINTER_LOCK_FD=3
    exec flock -x -F "$state/lock" "$0" "$@"
  fi
  flock -x 3 &
  wait $! || refuse "waiting for the lock $state/lock failed: flock ended with $?" 4
fi
trap - TERM INT
export POD_CHECKPOINTER_LOCK_FD=3
start "$@"
