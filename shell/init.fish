# gvmpy's part of fish: its shims first on PATH, and `gvmpy use` for this shell alone.
# It is shell/init.sh in fish's language; sourcing it again changes nothing. It starts no process.
#
# `builtin` keeps the user's functions out where fish lets a function take a builtin's name. The two marks are
# replaced by quoted words, so they stand outside of quotes. Nothing here is universal: that would reach shells
# which never loaded this.

# Take every older entry out of PATH and put one in front.
begin
    set -l _gvmpy_shims __GVMPY_ROOT__/shims
    set -l _gvmpy_path $_gvmpy_shims
    set -l _gvmpy_entry
    for _gvmpy_entry in $PATH
        builtin contains -- $_gvmpy_entry $_gvmpy_shims $_gvmpy_shims/
        or set _gvmpy_path $_gvmpy_path $_gvmpy_entry
    end
    set -gx PATH $_gvmpy_path
end

function _gvmpy_say
    builtin printf '%s\n' $argv[1] >&2
end

# A GOROOT left from elsewhere makes every other toolchain fail in odd ways. One that is universal is not ours
# to erase: an empty one in front of it means to Go that there is none.
if set -q GOROOT
    if test -n "$GOROOT" -a -t 2
        _gvmpy_say "gvmpy: GOROOT was set to $GOROOT; unset in this shell, each Go finds its own"
    end
    set -eg GOROOT
    if set -q GOROOT
        set -gx GOROOT ''
    end
end

# The front in the shims answers many calls without Python; then the program where it was, or wherever it is.
function _gvmpy_program
    if test -x __GVMPY_ROOT__/shims/gvmpy
        __GVMPY_ROOT__/shims/gvmpy $argv
    else if test -x __GVMPY_PROGRAM__
        __GVMPY_PROGRAM__ $argv
    else
        command gvmpy $argv
    end
end

# The settings of a profile, where one is in use: they may have changed since.
function _gvmpy_settings
    test -r __GVMPY_ROOT__/shell/profile.fish
    or return 0
    source __GVMPY_ROOT__/shell/profile.fish
end

# What may change the settings: the program is told that they are read again here, and they are.
function _gvmpy_change
    set -lx _GVMPY_READS_AGAIN 1
    _gvmpy_program $argv
    or return
    _gvmpy_settings
end

# _gvmpy_choose VERSION: make it this shell's choice, none when empty, and remember the one before.
function _gvmpy_choose
    set -g _gvmpy_previous "$GVMPY_VERSION"
    if test -n "$argv[1]"
        set -gx GVMPY_VERSION $argv[1]
    else
        set -eg GVMPY_VERSION
        or true
    end
end

# Whether this is the name of one release, as its directory has it: up to 1.20 the first of a line has no .0.
function _gvmpy_is_release
    set -l number '(0|[1-9][0-9]{0,3})'
    string match -qr "^$number\.$number(\.|alpha|beta|rc)$number\z" -- $argv[1]
    and not string match -qr '^[0-9]+\.(1?[0-9]|20)\.0\z' -- $argv[1]
end

# Whether nothing lies in the directory; fish has no setting that keeps a pattern from looking.
function _gvmpy_is_empty
    test -e $argv[1]
    or return 0
    test -r $argv[1] -a -x $argv[1]
    or return 1
    set -l entries $argv[1]/* $argv[1]/.*
    not set -q entries[1]
end

# Whether no hook wants to know what this shell chooses.
function _gvmpy_is_unwatched
    _gvmpy_is_empty __GVMPY_ROOT__/hooks/pre-switch.d
    and _gvmpy_is_empty __GVMPY_ROOT__/hooks/post-switch.d
end

# Whether goVERSION can be chosen without asking the program: exact, and installed.
function _gvmpy_is_plain
    _gvmpy_is_release $argv[1]
    and test -f __GVMPY_ROOT__/receipts/go$argv[1].json
    and test -x __GVMPY_ROOT__/versions/go$argv[1]/bin/go
end

function _gvmpy_use
    if not set -q argv[3]
        switch $argv[2]
            case -
                if not set -q _gvmpy_previous
                    _gvmpy_say 'gvmpy: this shell has made no choice yet'
                    _gvmpy_say 'hint: gvmpy use VERSION'
                    return 2
                end
                if _gvmpy_is_unwatched
                    _gvmpy_choose "$_gvmpy_previous"
                else
                    set -l back --unset
                    test -z "$_gvmpy_previous"
                    or set back $_gvmpy_previous
                    _gvmpy_let_choose use $back
                    or return
                end
                set -l chosen 'what the directory or the default says'
                test -z "$GVMPY_VERSION"
                or set chosen $GVMPY_VERSION
                _gvmpy_say "gvmpy: this shell uses $chosen"
                return 0
            case --unset
                if _gvmpy_is_unwatched
                    _gvmpy_choose ''
                    return 0
                end
        end
        set -l wanted (string replace -r '^go' '' -- $argv[2])
        if _gvmpy_is_plain "$wanted"; and _gvmpy_is_unwatched
            _gvmpy_choose $wanted
            return 0
        end
    end
    _gvmpy_let_choose $argv
end

# _gvmpy_let_choose use ARGUMENT...: choose what the program answers, after it has asked the hooks.
function _gvmpy_let_choose
    # The program is told that its answer will be exported here.
    set -lx GVMPY_SHELL_FUNCTION 1
    set -l answer (_gvmpy_program $argv)
    or return
    if test "$answer" = none
        _gvmpy_choose ''
        return
    end
    if test "$answer" != system; and not string match -qr '^[0-9][0-9a-z.]*\z' -- "$answer"
        _gvmpy_say 'gvmpy: the program did not answer with a version; nothing was changed'
        return 2
    end
    _gvmpy_choose $answer
end

function gvmpy --description 'Install, prove and switch Go toolchains'
    if test "$argv[1]" = profile
        _gvmpy_change $argv
        return
    end
    if not set -q argv[2]; or test $argv[1] != use
        _gvmpy_program $argv
        return
    end
    for argument in $argv
        switch $argument
            case --default -d --help -h --json
                _gvmpy_change $argv
                return
        end
    end
    _gvmpy_use $argv
end

_gvmpy_settings
