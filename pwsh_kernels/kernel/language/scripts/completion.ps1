# Index and length of the text to replace, in UTF-16 units, then text and kind of each match.
# TabExpansion2 sees its caller's variables, so ours have names that can be filtered out.
param([string]$PwshKernelsCode, [int]$PwshKernelsCursor, [int]$PwshKernelsMost)
$found = TabExpansion2 -inputScript $PwshKernelsCode -cursorColumn $PwshKernelsCursor
$found.ReplacementIndex
$found.ReplacementLength
$ours = '$PwshKernels*'
$kept =
    $found.CompletionMatches.Where({ $_.CompletionText -notlike $ours }, 'First', $PwshKernelsMost)
foreach ($match in $kept) {
    $match.CompletionText
    $match.ResultType.ToString()
}
