#!/usr/bin/env bash
# The demonstration through a real Slurm of one node: start it, run, kill a job, resume, take Slurm down.
#
#     bash tests/cluster/slurm.sh
#
# Five to ten minutes on two cores, so not part of .ci/run. Needs Debian's packages slurm-wlm and munge, and installs
# them if they are missing. The daemons run as the user who calls, with ports, keys and state of their own in a
# temporary folder: a Slurm that is already there is not touched. Job accounting is off.
set -euo pipefail

home="$(cd "$(dirname "$0")/../.." && pwd)"
work="$(mktemp -d)"
study="$work/a study" # with a blank, as people's folders have
results="$study/results/ways-to-wellness"
host="$(hostname -s)"
started=()

say() { printf '\n== %s\n' "$1"; }
fail() {
    printf '\nFAILED: %s\n' "$1" >&2
    tail -n 15 "$work"/*.log >&2 || true
    exit 1
}
close() {
    [ -f "$work/slurm.conf" ] && scancel --user="$(id -un)" 2>/dev/null
    local at
    for ((at = ${#started[@]} - 1; at >= 0; at--)); do
        kill "${started[at]}" 2>/dev/null && wait "${started[at]}" 2>/dev/null
    done
    rm -rf "$work"
} || true
trap 'set +e; close' EXIT
trap 'exit 130' INT TERM

say "Slurm and the executor"
export PATH="$PATH:/usr/sbin:/sbin"
if ! command -v slurmctld slurmd munged sbatch >/dev/null; then
    root() { if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi; }
    root apt-get update -qq
    root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq slurm-wlm munge >/dev/null
fi
(cd "$home" && uv sync --quiet --inexact --group slurm)
evalweave="$home/.venv/bin/evalweave"

free_port() { "$home/.venv/bin/python" -c "import socket; s = socket.socket(); s.bind(('', 0)); print(s.getsockname()[1])"; }

mkdir "$work/state" "$work/spool" "$work/munge"
chmod 755 "$work" "$work/munge" # munge's socket must be reachable
head -c 128 /dev/urandom >"$work/munge/key"
chmod 600 "$work/munge/key"
# Two processors, and memory enough for the profile whatever the machine has: nothing is simulated that needs it.
cat >"$work/slurm.conf" <<CONF
ClusterName=evalweave
SlurmctldHost=$host(127.0.0.1)
SlurmUser=$(id -un)
SlurmdUser=$(id -un)
AuthInfo=socket=$work/munge/socket
SlurmctldPort=$(free_port)
SlurmdPort=$(free_port)
StateSaveLocation=$work/state
SlurmdSpoolDir=$work/spool
SlurmctldPidFile=$work/slurmctld.pid
SlurmdPidFile=$work/slurmd.pid
SlurmctldLogFile=$work/slurmctld.log
SlurmdLogFile=$work/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU_Memory
AccountingStorageType=accounting_storage/none
JobAcctGatherType=jobacct_gather/none
JobCompType=jobcomp/filetxt
JobCompLoc=$work/jobs.txt
SlurmdParameters=config_overrides
NodeName=$host NodeAddr=127.0.0.1 CPUs=2 RealMemory=16000
PartitionName=all Nodes=ALL Default=YES
CONF
export SLURM_CONF="$work/slurm.conf"

munged --foreground --force --key-file="$work/munge/key" --socket="$work/munge/socket" \
    --pid-file="$work/munge/pid" --seed-file="$work/munge/seed" --log-file="$work/munged.log" 2>"$work/munged.out.log" &
started+=($!)
for _ in {1..50}; do [ -S "$work/munge/socket" ] && break; sleep 0.2; done
slurmctld -D 2>"$work/slurmctld.out.log" &
started+=($!)
slurmd -D -N "$host" 2>"$work/slurmd.out.log" &
started+=($!)
for _ in {1..60}; do [ "$(sinfo --noheader --format=%T 2>/dev/null)" = idle ] && break; sleep 1; done
[ "$(sinfo --noheader --format=%T)" = idle ] || fail "the node did not come up"
sbatch --version
sacct >/dev/null 2>&1 && fail "job accounting is on; this must show that the profile does without"

# A job's step forgets SLURM_CONF (it asks for /etc/slurm/slurm.conf), so srun is reminded; and it notes what the
# job was told about memory.
mkdir "$work/bin"
cat >"$work/bin/srun" <<SRUN
#!/bin/sh
echo "\$SLURM_JOB_ID \$EVALWEAVE_MEMORY_LIMIT" >>"$work/steps.txt"
SLURM_CONF="$work/slurm.conf" exec "$(command -v srun)" "\$@"
SRUN
chmod 755 "$work/bin/srun"
export PATH="$work/bin:$PATH"
unset EVALWEAVE_MEMORY_LIMIT

mkdir "$study"
cp -R "$home/config" "$study/config"

# Every second until a run ends: which job is in which state (squeue forgets after MinJobAge).
run() {
    "$evalweave" run "$study/config/config.yaml" --profile slurm --directory "$study" "$@" >"$work/run.log" 2>&1 &
    pid=$!
}
watch_jobs() { squeue --noheader --states=all --format='%i|%k|%T' | sort -t'|' -k1n >"$work/now.txt"; cat "$work/now.txt" >>"$work/seen.txt"; }
code_of() { local code=0; wait "$1" || code=$?; echo "$code" >"$work/code"; }

say "first run, on two processors; one of its analyses is killed"
SECONDS=0
run --cores 2
killed=""
while kill -0 "$pid" 2>/dev/null; do
    watch_jobs
    if [ -z "$killed" ]; then
        killed="$(sed -n 's/|rule_fit_[^|]*|RUNNING$//p' "$work/now.txt" | head -n 1)"
        [ -z "$killed" ] || { scancel "$killed" && echo "killed job $killed: $(grep "^$killed|" "$work/now.txt")"; }
    fi
    sleep 1
done
code_of "$pid"
echo "exit code $(cat "$work/code") after $SECONDS s"
[ -n "$killed" ] || fail "no analysis was seen running"
[ "$(cat "$work/code")" = 1 ] || fail "expected exit code 1 from a run of which a job was killed"
grep -q "SLURM-job '$killed' failed, SLURM status is: 'CANCELLED'" "$work/run.log" || fail "the run does not say which job failed"
[ -n "$(find "$study/results/_slurm" -name "$killed.log")" ] || fail "no log of the killed job in results/_slurm"
[ ! -e "$study/reports/ways-to-wellness/report.html" ] || fail "there is a report in spite of the killed job"
done_before="$(find "$results" -name '*.parquet' -exec stat -c '%n %Y' {} + | sort)"

say "second run: takes up where the first stopped"
SECONDS=0
run
while kill -0 "$pid" 2>/dev/null; do
    watch_jobs
    sleep 1
done
code_of "$pid"
echo "exit code $(cat "$work/code") after $SECONDS s"
[ "$(cat "$work/code")" = 0 ] || fail "the second run did not finish"
[ -s "$study/reports/ways-to-wellness/report.html" ] || fail "no report"
grep -q '"findings": \[\]' "$results/audit.json" || fail "the audit has findings"
[ "$done_before" = "$(find "$results" -name '*.parquet' -exec stat -c '%n %Y' {} + | sort)" ] || fail "finished jobs ran again"
"$evalweave" run "$study/config/config.yaml" --profile slurm --directory "$study" --dry-run 2>&1 |
    grep -q "Nothing to be done" || fail "a third run would do something"

say "all of it ran under Slurm"
for job in simulate ingest clean cohort panel fit themes release audit; do
    count="$(grep -E "\|rule_$job(_[^|]*)?\|COMPLETED$" "$work/seen.txt" | sort -u | wc -l || true)"
    printf '%10s %s\n' "$job" "$count"
    [ "$count" -gt 0 ] || fail "no job of $job was completed"
done
[ "$(grep -c JobState=CANCELLED "$work/jobs.txt")" = 1 ] || fail "expected one cancelled job"
! grep -vE 'JobState=(COMPLETED|CANCELLED)' "$work/jobs.txt" || fail "jobs ended otherwise"
! grep -v ' 6GB$' "$work/steps.txt" || fail "a job was not told how much memory DuckDB may take"
[ "$(find "$results/benchmarks" -name '*.tsv' | wc -l)" -ge 20 ] || fail "rules are missing"

say "all passed"
