# Completion of gvmpy for fish. It starts no process: what is installed is a glob, what could be installed a
# file that gvmpy keeps. Names that are neither a version nor an alias are left out.

# What can follow the command $argv[1]: sets variables of its caller, fails for what is no command.
function __gvmpy_complete_table --no-scope-shadowing
    set commands
    set options
    set valued
    set arguments
    switch "$argv[1]"
        # >>> written by docs/generate.py from the commands; do not edit
        case ''
            set commands install\t'Fetch, prove and unpack Go releases.' uninstall\t'Remove one installed version.' use\t'Choose a Go for this shell, or for all.' list\t'List installed versions, or those to be had.' current\t'Say which Go runs here, and why.' which\t'Print the path of the go that runs here.' exec\t'Run a command with one version.' run\t'Run go of one version.' root\t'Print where everything lives.' prompt\t'Print the version here, for a shell\'s prompt.' verify\t'Hash a tree anew and name what changed.' repair\t'Put a damaged installation right.' config\t'Show and change the settings.' init\t'Set a shell up, now or for good.' completion\t'Print what makes a shell complete gvmpy.'
            set options --version\t'Show the version and exit.' -h\t'Show this message and exit.' --help\t'Show this message and exit.'
        case install
            set options --json\t'Answer with one JSON document.' -h\t'Show this message and exit.' --help\t'Show this message and exit.'
            set arguments '@remote,latest,stable,oldstable,unstable' '...'
        case uninstall
            set options --force\t'Even the default, or the one this shell uses.' --yes\t'Do not ask.' -y\t'Do not ask.' --json\t'Answer with one JSON document.' -h\t'Show this message and exit.' --help\t'Show this message and exit.'
            set arguments '@installed'
        case use
            set options --default\t'For every new shell, and for IDEs.' -d\t'For every new shell, and for IDEs.' --install\t'Install VERSION first when it is missing.' --unset\t'Drop this shell\'s choice.' --json\t'Answer with one JSON document.' -h\t'Show this message and exit.' --help\t'Show this message and exit.'
            set arguments '@installed,@aliases,@missing,latest,stable,oldstable,unstable,system,-'
        case list
            set options --remote\t'What the sources have for this machine, newest last.' --all\t'With --remote: betas and release candidates too.' --dates\t'With --remote: when each came out, by the module proxy\'s word.' --refresh\t'With --remote: ask again, however new the kept list is.' --json\t'Answer with one JSON document.' -h\t'Show this message and exit.' --help\t'Show this message and exit.'
            set arguments ''
        case current
            set options --explain\t'Show all that could choose, and why each did or did not.' --json\t'Answer with one JSON document.' -h\t'Show this message and exit.' --help\t'Show this message and exit.'
        case which
            set options --json\t'Answer with one JSON document.' -h\t'Show this message and exit.' --help\t'Show this message and exit.'
            set arguments 'go,gofmt'
        case exec
            set options --install\t'Install VERSION first when it is missing.' -h\t'Show this message and exit.' --help\t'Show this message and exit.'
            set arguments '@installed,@aliases,latest,stable,oldstable,unstable,system' '@command' '...'
        case run
            set options --install\t'Install VERSION first when it is missing.' -h\t'Show this message and exit.' --help\t'Show this message and exit.'
            set arguments '@installed,@aliases,latest,stable,oldstable,unstable,system' '' '...'
        case root
            set options --json\t'Answer with one JSON document.' -h\t'Show this message and exit.' --help\t'Show this message and exit.'
        case prompt
            set options --json\t'Answer with one JSON document.' -h\t'Show this message and exit.' --help\t'Show this message and exit.'
        case verify
            set options --json\t'Answer with one JSON document.' -h\t'Show this message and exit.' --help\t'Show this message and exit.'
            set arguments '@installed,@aliases,latest,stable,oldstable,unstable'
        case repair
            set options --all\t'Every installed version.' --dry-run\t'Say what is wrong; change nothing, ask nobody.' --json\t'Answer with one JSON document.' -h\t'Show this message and exit.' --help\t'Show this message and exit.'
            set arguments '@installed,@aliases,latest,stable,oldstable,unstable' '...'
        case config
            set commands edit\t'Edit the file, checked before it is saved.' get\t'Print one setting.' list\t'Show every setting and where it is from.' set\t'Change one setting in the file.' unset\t'Take one setting out of the file.'
            set options -h\t'Show this message and exit.' --help\t'Show this message and exit.'
        case 'config edit'
            set options --json\t'Answer with one JSON document.' -h\t'Show this message and exit.' --help\t'Show this message and exit.'
        case 'config get'
            set options --json\t'Answer with one JSON document.' -h\t'Show this message and exit.' --help\t'Show this message and exit.'
            set arguments 'sources.order,official.index,official.mirrors,official.trusted,goproxy.url,goproxy.sumdb,trust.minimum,switch.missing'
        case 'config list'
            set options --json\t'Answer with one JSON document.' -h\t'Show this message and exit.' --help\t'Show this message and exit.'
        case 'config set'
            set options --json\t'Answer with one JSON document.' -h\t'Show this message and exit.' --help\t'Show this message and exit.'
            set arguments 'sources.order,official.index,official.mirrors,official.trusted,goproxy.url,goproxy.sumdb,trust.minimum,switch.missing' '@value'
        case 'config set trust.minimum'
            set arguments 'third-party,pinned,origin-sha256,transparency-log,signature'
        case 'config set switch.missing'
            set arguments 'error,install'
        case 'config unset'
            set options --json\t'Answer with one JSON document.' -h\t'Show this message and exit.' --help\t'Show this message and exit.'
            set arguments 'sources.order,official.index,official.mirrors,official.trusted,goproxy.url,goproxy.sumdb,trust.minimum,switch.missing'
        case init
            set options --install\t'Put the lines that do it into the shell\'s rc files.' --uninstall\t'Take them out again, byte for byte.' --shell\t'Edit the files of SHELL. Repeatable.' --dry-run\t'Show the difference and write nothing.' --json\t'Answer with one JSON document.' -h\t'Show this message and exit.' --help\t'Show this message and exit.'
            set valued '--shell='
            set arguments - 'sh,bash,dash,zsh,ksh,ksh93,mksh,yash,ash,busybox,fish'
        case completion
            set options -h\t'Show this message and exit.' --help\t'Show this message and exit.'
            set arguments 'bash,zsh,fish'
            # <<<
        case '*'
            return 1
    end
    return 0
end

# Print what may stand at the cursor, one a line, with its meaning behind a tab.
function __gvmpy_complete
    set -l commands
    set -l options
    set -l valued
    set -l arguments
    set -l line (commandline -opc)
    set -l current (commandline -ct)
    set -l key
    set -l last
    set -l seen
    set -l values
    set -l pending
    set -l plain
    set -l index 1
    set -l i 2
    __gvmpy_complete_table ''
    while set -q line[$i]
        if test "$arguments[$index]" = @command; and test "$line[$i]" != --
            break
        end
        __gvmpy_complete_pass $line[$i]; or return 0
        set i (math $i + 1)
    end
    if set -q pending[1]
        __gvmpy_complete_expand "$values"
    else if test "$arguments[$index]" = @command
        # The words from here on are a command of its own.
        set -l inner
        set -q line[$i]; and set inner (string escape -- $line[$i..-1])
        complete -C (string join ' ' -- $inner $current)
    else if string match -q -- '--*=*' $current; and test -z "$plain"
        set -l option (string split -m 1 = -- $current)[1]
        __gvmpy_complete_pass $option
        set -q pending[1]; and printf "$option=%s\n" (__gvmpy_complete_expand "$values")
    else
        string match -q -- '-*' $current; and test -z "$plain"; and printf '%s\n' $options
        set -q commands[1]; and printf '%s\n' $commands
        __gvmpy_complete_expand "$arguments[$index]"
    end
    return 0
end

# Go past one word before the cursor; fails for a command that is none.
function __gvmpy_complete_pass --no-scope-shadowing
    if set -q pending[1]
        set pending
    else if test "$argv[1]" = --
        set plain 1
    else if string match -qr -- '^-.' $argv[1]; and test -z "$plain"
        set -a seen $argv[1]
        for word in $valued
            set word (string split -m 1 = -- $word)
            if test "$word[1]" = "$argv[1]"
                set pending $word[1]
                set values $word[2]
            end
        end
    else if set -q commands[1]
        set key (string join ' ' -- $key $argv[1])
        __gvmpy_complete_table "$key"; or return 1
    else
        set last $argv[1]
        set -l next (math $index + 1)
        test "$arguments[$next]" = ...; or set index $next
    end
    return 0
end

# Print what the comma-separated list $argv[1] stands for.
function __gvmpy_complete_expand --no-scope-shadowing
    set -l root $GVMPY_ROOT
    test -n "$root"; or set root $HOME/.gvmpy
    for item in (string split , -- "$argv[1]")
        switch $item
            case @installed
                for file in $root/receipts/go*.json
                    string match -r '(?<=/go)[0-9][0-9a-z.]*(?=\.json\z)' -- $file
                end
            case @aliases
                for file in $root/links/*
                    string match -r '(?<=/)(?!go\z|go[0-9])[a-zA-Z][0-9a-zA-Z_-]*\z' -- $file
                end
            case @missing
                contains -- --install $seen; and __gvmpy_complete_remote
            case @remote
                __gvmpy_complete_remote
            case @value
                __gvmpy_complete_table "$key $last"; and __gvmpy_complete_expand "$arguments[1]"
            case @files
                __fish_complete_path $current
            case ''
            case '*'
                printf '%s\n' $item
        end
    end
    return 0
end

function __gvmpy_complete_remote
    set -l cache $GVMPY_CACHE
    if test -z "$cache"
        set cache $HOME/.cache/gvmpy
        test -d $HOME/Library/Caches; and set cache $HOME/Library/Caches/gvmpy
        test -n "$XDG_CACHE_HOME"; and set cache $XDG_CACHE_HOME/gvmpy
    end
    set cache $cache/remote-versions
    test -f $cache -a -r $cache; or return 0
    while read -l line
        string match -r '^[0-9][0-9a-z.]*\z' -- $line
    end <$cache
    return 0
end

complete -c gvmpy -e
complete -c gvmpy -f -k -a '(__gvmpy_complete)'
