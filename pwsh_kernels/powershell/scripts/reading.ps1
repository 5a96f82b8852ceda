# The wall of the read tier. Once it stands, whatever arrives here as a text is refused by the engine
# (NoLanguage), and of commands only those are found that were shown. Read by bootstrap.ps1 into its
# module, whose functions keep the full language.

# Runs a script of the server's own where the session's commands are; nobody else knows the key.
function Invoke-Trusted {
    [CmdletBinding()] param([string]$Key, [string]$Script, [hashtable]$Values)
    Assert-Trusted $Key
    $script:hasNewCommands = $true
    & $Reading.Run $Script ($Values ?? @{})
}

function Assert-Trusted([string]$Key) {
    if ($Key -cne $Reading.Key) { throw 'Only pwsh-kernels itself may ask for this.' }
}

$hasNewCommands = $true
$readingCommands = 'function:Invoke-Trusted', 'function:Show-ReadingCommand', 'function:Save-Result',
    'function:Get-Result', 'function:Get-ExpressionValue', 'function:Invoke-WithBlock',
    'function:Invoke-ReadingRequest', 'function:Get-ArgumentValue'
# What the server's own side of the wire calls; the others are for files, which are texts.
$called = $readingCommands + @('function:Out-Session', 'function:Out-Display', 'function:Get-SessionRest',
    'function:Test-SessionParameter', 'function:Get-KeptObject')
$ourCommands = $called -replace '^function:', 'PwshKernels.'

# Lets commands be found that read, and only these; imports what defines them. The values of held
# results do not outlive the run that held them.
function Show-ReadingCommand {
    [CmdletBinding()] param([string]$Key, [string[]]$Name)
    Assert-Trusted $Key
    $held.Clear()
    if ($hasNewCommands) { Hide-Command }
    foreach ($one in $Name) {
        $found = Get-Command -Name $one -CommandType Cmdlet, Function -ErrorAction Ignore |
            Select-Object -First 1
        if ($found -and (Test-Reading $found)) { $found.Visibility = 'Public' }
    }
}

function Test-Reading($Command) {
    $isOwn = $Command.Source -like 'Microsoft.PowerShell.*' -or -not $Command.Source
    if ($isOwn) { return $Command.Name -in $Reading.Engine }
    return $Command.Name -match $Reading.Shown -and $Command.Name -notmatch $Reading.Hidden
}

# What is imported later is hidden as well (DefaultCommandVisibility), except functions and aliases
# that a script sets one by one.
function Hide-Command {
    $script:hasNewCommands = $false
    $names = [Management.Automation.CommandTypes]'Cmdlet, Function, Filter, Alias, Configuration'
    foreach ($one in $ExecutionContext.InvokeCommand.GetCommands('*', $names, $true)) {
        if ($one.Name -notin $ourCommands -and $one.Visibility -eq 'Public') {
            if ($one.CommandType -ne 'Cmdlet' -or -not $wallStands) { $one.Visibility = 'Private' }
        }
    }
}

$wallStands = $false
function Lock-Language {
    $field = $ownState.GetType().GetField('DefaultCommandVisibility', $secret)
    $top = $engineContext.GetType().GetProperty('TopLevelSessionState', $secret).GetValue($engineContext)
    $field.SetValue($top, [Management.Automation.SessionStateEntryVisibility]::Private)
    $Reading.State.Applications.Clear()
    $Reading.State.Scripts.Clear()
    Hide-Command
    $script:wallStands = $true
    $Reading.State.LanguageMode = 'NoLanguage'
}

# Results that a later step of the same run reads.
$held = @{}

# Keeps what a step gives: under a name, or, without one, as output of the run. Errors are output.
function Save-Result {
    [CmdletBinding()] param([Parameter(ValueFromPipeline)][AllowNull()][psobject]$InputObject,
        [string]$Into, [switch]$Append)
    begin {
        if (-not $held.Contains('')) { $held[''] = [Collections.Generic.List[object]]::new() }
        $output = $held['']
        $values = if ($Into) { , [Collections.Generic.List[object]]::new() } else { , $output }
    }
    process {
        $isRecord = $InputObject -is [Management.Automation.ErrorRecord] -and
            [int]($getStream ?? (Find-Stream)).Invoke($InputObject)
        if ($isRecord) { $output.Add([Collections.DictionaryEntry]::new('error', $InputObject)) }
        else { $values.Add($InputObject) }
    }
    end {
        if ($Append) {
            if ($null -eq $held[$Into]) { $held[$Into] = [Collections.Generic.List[object]]::new() }
            $held[$Into].AddRange($values)
        }
        elseif ($Into) { $held[$Into] = if ($values.Count -eq 1) { $values[0] } else { $values.ToArray() } }
    }
}

function Get-Result {
    [CmdletBinding()] param()
    foreach ($one in $held['']) {
        if ($one -is [Collections.DictionaryEntry]) { $PSCmdlet.WriteError($one.Value) }
        else { $PSCmdlet.WriteObject($one) }
    }
}

# The value of an expression, which is described by its nodes (carried.ps1).
function Get-ExpressionValue {
    [CmdletBinding()] param([object[]]$Nodes)
    $block = [scriptblock]::Create((ConvertTo-Code $Nodes))
    & $block
}

# The values of expressions, once, or for each object of a held result: a list each time.
function Get-ArgumentValue {
    [CmdletBinding()] param([object[]]$Expressions, [string]$Each)
    $blocks = @(foreach ($one in $Expressions) { [scriptblock]::Create((ConvertTo-Code $one)) })
    $times = @($null)
    if ($Each) { $times = $held[$Each] }
    foreach ($_ in $times) {
        $PSCmdlet.WriteObject(@(foreach ($one in $blocks) { , (ConvertTo-Plain (& $one)) }))
    }
}

# What goes to the other side and comes back as it was; of an object, what it is as a text.
function ConvertTo-Plain($Value) {
    if ($null -eq $Value -or $Value -is [string]) { return $Value }
    if ($Value -is [ValueType] -and $Value -isnot [enum]) { return $Value }
    if ($Value -is [Collections.IDictionary]) {
        $plain = @{}
        foreach ($name in $Value.Keys) { $plain[[string]$name] = ConvertTo-Plain $Value[$name] }
        return $plain
    }
    if ($Value -is [Collections.IList]) { return , @(foreach ($one in $Value) { , (ConvertTo-Plain $one) }) }
    [string]$Value
}

# PowerShell's own commands that take blocks, with blocks made of expressions.
$takesBlocks = 'Where-Object', 'ForEach-Object', 'Select-Object', 'Sort-Object', 'Group-Object',
    'Measure-Object', 'Format-Table', 'Format-List', 'Format-Wide', 'Format-Custom'
function Invoke-WithBlock {
    [CmdletBinding()] param([Parameter(ValueFromPipeline)][AllowNull()][psobject]$InputObject,
        [string]$Command, [object[]]$Arguments)
    begin {
        if ($Command -notin $takesBlocks) { throw "$Command takes no blocks." }
        $info = $ExecutionContext.InvokeCommand.GetCmdlet($Command)
        $bound = Get-BoundArgument $info $Arguments
        $named = $bound.Named
        $positional = $bound.Positional
        if ($Command -eq 'ForEach-Object') { Assert-OneBlock $named $positional }
        $steps = { & $info @positional @named }.GetSteppablePipeline($MyInvocation.CommandOrigin)
        $steps.Begin($PSCmdlet)
    }
    process { $steps.Process($InputObject) }
    end { $steps.End() }
}

# A command that sends a request with a method that it is given: with GET alone, and nothing to send.
$askable = 'Method', 'Uri', 'Url', 'Path', 'OutputType', 'ApiVersion', 'Raw', 'All', 'ConsistencyLevel', 'Accept',
    'ErrorAction', 'Verbose', 'Debug'
function Invoke-ReadingRequest {
    [CmdletBinding()] param([string]$Command, [object[]]$Arguments)
    $info = Get-Command -Name $Command -CommandType Cmdlet, Function | Select-Object -First 1
    if ($info.Name -notmatch $Reading.Requests) { throw "$Command sends no request that only reads." }
    $bound = Get-BoundArgument $info $Arguments
    $named = $bound.Named
    $positional = $bound.Positional
    foreach ($name in $named.Keys) {
        if ($name -notin $askable) { throw "$Command takes no -$name here: it only asks." }
    }
    if ($positional.Count -gt 1 -or ($named['Method'] ?? 'GET') -ne 'GET') {
        throw "$Command takes an address and the method GET here: it only asks."
    }
    if (-not $named.Contains('Method')) {
        # What stands first may be the method.
        $first = $info.ParameterSets.Parameters | Where-Object Position -eq 0 | Select-Object -First 1
        if ($positional.Count -and $first.Name -eq 'Method') { throw "$Command needs -Method GET here." }
        if ($info.Parameters.ContainsKey('Method')) { $named.Method = 'GET' }
    }
    & $info @positional @named
}

# A member named by a text may be a method.
function Assert-OneBlock($Named, $Positional) {
    $all = @($Named.Values) + @($Positional)
    if ($all.Count -ne 1 -or $all[0] -isnot [scriptblock]) { throw 'ForEach-Object takes one block here.' }
}

# Each argument is @($name, $nodes), one of them $null; a parameter that is no switch takes the next.
function Get-BoundArgument($Info, $Arguments) {
    $named = @{}
    $positional = [Collections.Generic.List[object]]::new()
    $open = $null
    foreach ($one in $Arguments) {
        $name, $nodes = $one
        if ($name) {
            $parameter = $Info.ResolveParameter($name.Trim('-', ':'))
            if ($parameter.SwitchParameter -and -not $name.EndsWith(':')) { $named[$parameter.Name] = $true }
            else { $open = $parameter.Name }
            continue
        }
        $value = Get-ExpressionValue $nodes
        if ($open) { $named[$open] = $value } else { $positional.Add($value) }
        $open = $null
    }
    @{ Named = $named; Positional = $positional.ToArray() }
}
