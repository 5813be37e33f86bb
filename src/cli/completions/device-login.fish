# Completion of device-login for fish. The program itself says what may follow.

function __device_login_complete
    set -l words (commandline -opc)
    set -l current (commandline -ct)
    set -l program device-login
    command -q -- $words[1]; and set program $words[1]
    for line in (command $program __complete -- $words[2..-1] "$current" 2>/dev/null)
        set -l parts (string split -m 1 \t -- $line)
        set -l rest (string sub -s (math 1 + (string length -- "$parts[2]")) -- "$current")
        switch $parts[1]
            case :files
                for path in (__fish_complete_path "$rest")
                    printf '%s\n' "$parts[2]$path"
                end
            case :directories
                for path in (__fish_complete_directories "$rest")
                    printf '%s\n' "$parts[2]$path"
                end
            case :commands
                complete -C "$rest"
            case '*'
                printf '%s\n' $line
        end
    end
end

complete -c device-login -f -k -a '(__device_login_complete)'
