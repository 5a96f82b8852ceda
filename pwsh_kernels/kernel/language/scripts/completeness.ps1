# The number of open brackets, then id and "is it only incomplete" of each parse error.
param([string]$Code)
$tokens = $errors = $null
$null =
    [System.Management.Automation.Language.Parser]::ParseInput($Code, [ref]$tokens, [ref]$errors)
$depth = 0
foreach ($token in $tokens) {
    if ($token.Kind -in 'LCurly', 'LParen', 'LBracket', 'AtCurly', 'AtParen', 'DollarParen') {
        $depth++
    }
    elseif ($token.Kind -in 'RCurly', 'RParen', 'RBracket') { $depth-- }
}
$depth
$end = $Code.TrimEnd().Length
# The parser does not call everything incomplete that more lines can make right: at the end of the
# code, some errors mean that something is still to come (`Get-Item |` with an empty line below,
# `1 >`, `[int`).
$open = 'EmptyPipeElement', 'MissingExpression', 'MissingArgument', 'MissingFileSpecification',
    'MissingTypeBody',
    'EndSquareBracketExpectedAtEndOfAttribute', 'EndSquareBracketExpectedAtEndOfType'
foreach ($mistake in $errors) {
    $mistake.ErrorId
    $mistake.IncompleteInput -or
        ($mistake.Extent.EndOffset -ge $end -and $mistake.ErrorId -in $open)
}
