#!/usr/bin/env -S zsh -f
# zsh_completes.zsh FOLDER LINE: types LINE and a tab into an interactive zsh that has the completions of FOLDER, then enter,
# and prints the words that its command got. Exit 1 when they do not come.
zmodload zsh/zpty
result=$(mktemp)
started=$(mktemp)
rm $result $started
cat >${result}.rc <<RC
PROMPT=; fpath=($1 \$fpath)
autoload -Uz compinit && compinit -u -D
seen() { print -r -- "\$*" >$result.part; mv $result.part $result; }
${${(z)2}[1]}() { seen "\$@"; }
: >$started
RC
TERM=dumb zpty shell zsh -f -i
zpty -w shell "source ${result}.rc"
for ((i = 0; i < 200; i++)); do
  if [[ -e $started ]]; then break; fi
  zpty -r -t shell >/dev/null
  sleep 0.1
done
zpty -n -w shell "$2"$'\t'
zpty -n -w shell $'\n'
for ((i = 0; i < 200; i++)); do
  if [[ -e $result ]]; then break; fi
  zpty -r -t shell >/dev/null
  sleep 0.1
done
zpty -d shell
code=1
if [[ -e $result ]]; then cat $result; code=0; fi
rm -f $result ${result}.rc $started
exit $code
