# Completion of device-login for bash, 3.2 and later. The program itself says what may follow.

_device_login() {
    local program line=${COMP_LINE:0:COMP_POINT} word quoted before current breaks kept='' raw='' i
    local -a words
    words=()
    program=$(type -P -- "$1") || program=device-login
    # Bash takes words apart at `=` and `:`, the program wants them whole.
    for ((i = 0; i < COMP_CWORD; i++)); do
        word=${COMP_WORDS[i]}
        before=${line%%"$word"*}
        line=${line#*"$word"}
        if [[ $i -eq 0 || -n $before ]]; then
            words+=("$word")
        else
            words[${#words[@]}-1]+=$word
        fi
    done
    current=${line#"${line%%[![:space:]]*}"}
    if [[ $line == [[:space:]]* ]]; then
        words+=("$current")
    else
        words[${#words[@]}-1]+=$current
        current=${words[${#words[@]}-1]}
    fi
    # What stands before the last of these is on the line already.
    breaks=${COMP_WORDBREAKS//[^=:]/}
    [[ -n $breaks ]] && kept=${current%"${current##*[$breaks]}"}
    COMPREPLY=()
    while IFS= read -r line; do
        before=${line#*$'\t'}
        case $line in
            :files* | :directories* | :commands*)
                case $line in
                    :files*) i=-f ;;
                    :directories*) i=-d ;;
                    *) i=-c ;;
                esac
                # A name may be anything. Bash quotes the names of files, if it can be asked to; all others are quoted here, and
                # left out where a quotation that has begun gives the marks another meaning.
                [[ $i != -c || $current == */* ]] && compopt -o filenames 2>/dev/null || raw=yes
                while IFS= read -r word; do
                    if [[ -n $raw ]]; then
                        printf -v quoted %q "$word"
                        [[ $quoted == "$word" || $current$quoted != *[\"\']* ]] || continue
                        [[ $current != \~* ]] || quoted=${quoted#\\}
                        word=$quoted
                    fi
                    word=$before$word
                    COMPREPLY+=("${word#"$kept"}")
                done < <(compgen "$i" -- "${current#"$before"}")
                ;;
            *)
                word=${line%%$'\t'*}
                [[ $word == "$current"* ]] && COMPREPLY+=("${word#"$kept"}")
                ;;
        esac
    done < <("$program" __complete -- "${words[@]:1}" 2>/dev/null)
    [[ ${#COMPREPLY[@]} -eq 1 && ${COMPREPLY[0]} == *[=:,/] ]] && compopt -o nospace 2>/dev/null
    return 0
}

complete -F _device_login device-login
