# bash_completes.bash SCRIPT WORD...: what the completion in SCRIPT answers for the last WORD, a line each. The words are split
# at : and = as readline does it.
source "$1" || exit 1
shift
COMP_WORDBREAKS=$' \t\n"\'><=;|&(:'
COMP_WORDS=()
for word in "$@"; do
  while [[ $word =~ ^([^:=]+)([:=].*)$ || $word =~ ^([:=]+)([^:=].*)$ ]]; do
    COMP_WORDS+=("${BASH_REMATCH[1]}")
    word=${BASH_REMATCH[2]}
  done
  COMP_WORDS+=("$word")
done
COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
"_$1" "$1" "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"
printf '%s\n' "${COMPREPLY[@]}"
