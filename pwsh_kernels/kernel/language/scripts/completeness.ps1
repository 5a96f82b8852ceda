# The number of open brackets; then, for each parse error, its id and whether the code is merely
# incomplete.
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
# The parser does not report everything as incomplete that more lines could complete: at the end of
# the code, some other errors also mean that something is still to come (`Get-Item |` followed by an
# empty line, `1 >`, `[int`).
$open = 'EmptyPipeElement', 'MissingExpression', 'MissingArgument', 'MissingFileSpecification',
    'MissingTypeBody',
    'EndSquareBracketExpectedAtEndOfAttribute', 'EndSquareBracketExpectedAtEndOfType'
foreach ($mistake in $errors) {
    $mistake.ErrorId
    $mistake.IncompleteInput -or
        ($mistake.Extent.EndOffset -ge $end -and $mistake.ErrorId -in $open)
}
