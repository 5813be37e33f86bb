# Completion of device-login for PowerShell. The program itself says what may follow.

Register-ArgumentCompleter -Native -CommandName 'device-login' -ScriptBlock {
    param($wordToComplete, $commandAst, $cursorPosition)
    $program = $commandAst.CommandElements[0].ToString()
    if (-not (Get-Command $program -ErrorAction SilentlyContinue)) { $program = 'device-login' }
    $words = @($commandAst.CommandElements | Select-Object -Skip 1 |
            Where-Object { $_.Extent.EndOffset -lt $cursorPosition } | ForEach-Object { $_.ToString() })
    # Some versions hand no empty words to programs.
    $arguments = if ($wordToComplete) { @('--') + $words + $wordToComplete } else { @('--empty', '--') + $words }
    & $program __complete @arguments 2>$null | ForEach-Object {
        $word, $about = $_ -split "`t", 2
        # Without an answer, PowerShell completes files.
        if (-not $word.StartsWith(':') -and $word.StartsWith($wordToComplete)) {
            $shown = if ($about) { $about } else { $word }
            [System.Management.Automation.CompletionResult]::new($word, $word, 'ParameterValue', $shown)
        }
    }
}
