# Completion of gvmpy for bash, 3.2 and newer. It starts no process: what is installed is a glob, what could be
# installed a file that gvmpy keeps. Names that are neither a version nor an alias are left out, so nothing
# that is offered means anything to the shell.
# shellcheck shell=bash

# What can follow the command $1: sets variables of its caller, fails for what is no command.
_gvmpy_complete_table() {
  commands=() options=() valued=() arguments=()
  case $1 in
  # >>> written by docs/generate.py from the commands; do not edit
  '')
    commands=('install' 'uninstall' 'use' 'list' 'current' 'which' 'exec' 'run' 'root' 'prompt' 'verify' 'repair' 'config' 'init' 'completion')
    options=('--version' '-h' '--help')
    ;;
  'install')
    options=('--json' '-h' '--help')
    arguments=('@remote,latest,stable,oldstable,unstable' '...')
    ;;
  'uninstall')
    options=('--force' '--yes' '-y' '--json' '-h' '--help')
    arguments=('@installed')
    ;;
  'use')
    options=('--default' '-d' '--install' '--unset' '--json' '-h' '--help')
    arguments=('@installed,@aliases,@missing,latest,stable,oldstable,unstable,system,-')
    ;;
  'list')
    options=('--remote' '--all' '--dates' '--refresh' '--json' '-h' '--help')
    arguments=('')
    ;;
  'current')
    options=('--explain' '--json' '-h' '--help')
    ;;
  'which')
    options=('--json' '-h' '--help')
    arguments=('go,gofmt')
    ;;
  'exec')
    options=('--install' '-h' '--help')
    arguments=('@installed,@aliases,latest,stable,oldstable,unstable,system' '@command' '...')
    ;;
  'run')
    options=('--install' '-h' '--help')
    arguments=('@installed,@aliases,latest,stable,oldstable,unstable,system' '' '...')
    ;;
  'root')
    options=('--json' '-h' '--help')
    ;;
  'prompt')
    options=('--json' '-h' '--help')
    ;;
  'verify')
    options=('--json' '-h' '--help')
    arguments=('@installed,@aliases,latest,stable,oldstable,unstable')
    ;;
  'repair')
    options=('--all' '--dry-run' '--json' '-h' '--help')
    arguments=('@installed,@aliases,latest,stable,oldstable,unstable' '...')
    ;;
  'config')
    commands=('edit' 'get' 'list' 'set' 'unset')
    options=('-h' '--help')
    ;;
  'config edit')
    options=('--json' '-h' '--help')
    ;;
  'config get')
    options=('--json' '-h' '--help')
    arguments=('sources.order,official.index,official.mirrors,official.trusted,goproxy.url,goproxy.sumdb,trust.minimum,switch.missing')
    ;;
  'config list')
    options=('--json' '-h' '--help')
    ;;
  'config set')
    options=('--json' '-h' '--help')
    arguments=('sources.order,official.index,official.mirrors,official.trusted,goproxy.url,goproxy.sumdb,trust.minimum,switch.missing' '@value')
    ;;
  'config set trust.minimum')
    arguments=('third-party,pinned,origin-sha256,transparency-log,signature')
    ;;
  'config set switch.missing')
    arguments=('error,install')
    ;;
  'config unset')
    options=('--json' '-h' '--help')
    arguments=('sources.order,official.index,official.mirrors,official.trusted,goproxy.url,goproxy.sumdb,trust.minimum,switch.missing')
    ;;
  'init')
    options=('--install' '--uninstall' '--shell' '--dry-run' '--json' '-h' '--help')
    valued=('--shell=')
    arguments=('-' 'sh,bash,dash,zsh,ksh,ksh93,mksh,yash,ash,busybox,fish')
    ;;
  'completion')
    options=('-h' '--help')
    arguments=('bash,zsh,fish')
    ;;
  # <<<
  *) return 1 ;;
  esac
}

# What readline calls: COMP_WORDS and COMP_CWORD are its, COMPREPLY is the answer.
_gvmpy_complete() {
  local IFS=$' \t\n' current=${COMP_WORDS[COMP_CWORD]-} failglob='' noglob=''
  current=${current#[\"\']}
  COMPREPLY=()
  shopt -q failglob && failglob=1
  case $- in *f*) noglob=1 ;; esac
  shopt -u failglob
  set +f
  _gvmpy_complete_answer
  [[ -z $failglob ]] || shopt -s failglob
  [[ -z $noglob ]] || set -f
  return 0
}

_gvmpy_complete_answer() {
  local -a commands options valued arguments
  local path='' last='' seen=' ' offered=' ' pending='' plain='' values='' word index=0 i
  _gvmpy_complete_table ''
  for ((i = 1; i < COMP_CWORD; i++)); do
    [[ ${arguments[index]-} != '@command' || ${COMP_WORDS[i]} == '--' ]] || break
    _gvmpy_complete_pass "${COMP_WORDS[i]}" || return 0
  done
  if [[ -n $pending ]]; then
    current=${current#=}
    _gvmpy_complete_expand "$values"
  elif [[ ${arguments[index]-} == '@command' ]]; then
    _gvmpy_complete_command "$i"
  else
    [[ $current != -* || -n $plain ]] || _gvmpy_complete_offer ${options[@]+"${options[@]}"}
    _gvmpy_complete_offer ${commands[@]+"${commands[@]}"}
    _gvmpy_complete_expand "${arguments[index]-}"
  fi
}

# Go past one word before the cursor; fails for a command that is none.
_gvmpy_complete_pass() {
  if [[ -n $pending ]]; then
    [[ $1 == '=' ]] || pending=''
  elif [[ $1 == '--' ]]; then
    plain=1
  elif [[ $1 == -?* && -z $plain ]]; then
    seen+="$1 "
    for word in ${valued[@]+"${valued[@]}"}; do
      [[ ${word%%=*} != "$1" ]] || pending=$1 values=${word#*=}
    done
  elif [[ ${#commands[@]} -gt 0 ]]; then
    path=${path:+$path }$1
    _gvmpy_complete_table "$path"
  else
    last=$1
    [[ ${arguments[index + 1]-} == '...' ]] || index=$((index + 1))
  fi
}

_gvmpy_complete_offer() {
  for word in "$@"; do
    if [[ $word == "$current"* && $offered != *" $word "* ]]; then
      offered+="$word "
      COMPREPLY+=("$word")
    fi
  done
}

# Offer what the comma-separated list $1 stands for.
_gvmpy_complete_expand() {
  local item rest=${1:+$1,}
  while [[ -n $rest ]]; do
    item=${rest%%,*}
    rest=${rest#*,}
    case $item in
    @installed) _gvmpy_complete_installed ;;
    @aliases) _gvmpy_complete_aliases ;;
    @missing) [[ $seen != *' --install '* ]] || _gvmpy_complete_remote ;;
    @remote) _gvmpy_complete_remote ;;
    @value) _gvmpy_complete_table "$path $last" && _gvmpy_complete_expand "${arguments[0]}" ;;
    @files) _gvmpy_complete_files ;;
    *) _gvmpy_complete_offer "$item" ;;
    esac
  done
}

# Letters one by one: a range means other letters, too, in many a locale.
_gvmpy_complete_version() {
  case $1 in
  '' | [!0123456789]* | *[!0123456789.abcdefghijklmnopqrstuvwxyz]*) ;;
  *) _gvmpy_complete_offer "$1" ;;
  esac
}

_gvmpy_complete_installed() {
  local file
  for file in "${GVMPY_ROOT:-${HOME-}/.gvmpy}"/receipts/go*.json; do
    file=${file##*/go}
    _gvmpy_complete_version "${file%.json}"
  done
}

_gvmpy_complete_aliases() {
  local file letters=abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ
  for file in "${GVMPY_ROOT:-${HOME-}/.gvmpy}"/links/*; do
    file=${file##*/}
    case $file in
    go | go[0123456789]* | [!$letters]* | *[!0123456789_$letters-]*) ;;
    *) _gvmpy_complete_offer "$file" ;;
    esac
  done
}

_gvmpy_complete_remote() {
  local line cache=${XDG_CACHE_HOME:-${HOME-}/.cache}/gvmpy
  [[ -n ${XDG_CACHE_HOME-} || ${OSTYPE-} != darwin* ]] || cache=${HOME-}/Library/Caches/gvmpy
  cache=${GVMPY_CACHE:-$cache}/remote-versions
  [[ -f $cache && -r $cache ]] || return 0
  while read -r line; do _gvmpy_complete_version "$line"; done <"$cache"
}

# The words from number $1 on are a command of its own.
_gvmpy_complete_command() {
  if declare -F _command_offset >/dev/null; then
    _command_offset "$1"
  elif [[ $COMP_CWORD -gt $1 || $current == */* ]]; then
    _gvmpy_complete_files
  else
    _gvmpy_complete_programs
  fi
}

_gvmpy_complete_programs() {
  local file directory rest=${PATH:+$PATH:}
  compopt +o nosort 2>/dev/null # what is sorted is shown once
  while [[ -n $rest ]]; do
    directory=${rest%%:*}
    rest=${rest#*:}
    for file in "$directory"/"$current"*; do
      [[ -f $file && -x $file ]] || continue
      printf -v file %q "${file##*/}"
      COMPREPLY+=("$file")
    done
  done
}

# What readline does by itself; bash 3.2 cannot be told to, so its names are quoted here.
_gvmpy_complete_files() {
  local file
  compopt -o default 2>/dev/null && return
  for file in "$current"*; do
    [[ -e $file ]] || continue
    printf -v file %q "$file"
    COMPREPLY+=("$file")
  done
}

# Releases are offered newest first where bash can be told not to sort, from 4.4 on.
complete -o nosort -F _gvmpy_complete gvmpy 2>/dev/null || complete -F _gvmpy_complete gvmpy
