# Compiles the C# of this folder to the given file. The same PowerShell always produces the same bytes,
# which Add-Type does not (it gives each assembly a random name).
param([string]$OutputAssembly)

foreach ($name in 'Microsoft.CodeAnalysis', 'Microsoft.CodeAnalysis.CSharp') {
    $null = [Reflection.Assembly]::LoadFrom("$PSHOME/$name.dll")
}
$trees = foreach ($name in 'CommandReader', 'MatchLimit', 'ProgressHost', 'TableRow') {
    [Microsoft.CodeAnalysis.CSharp.CSharpSyntaxTree]::ParseText(
        [IO.File]::ReadAllText("$PSScriptRoot/$name.cs"))
}
$files = @(Get-ChildItem "$PSHOME/ref/*.dll") + (Get-Item "$PSHOME/System.Management.Automation.dll")
$references = foreach ($file in $files) {
    [Microsoft.CodeAnalysis.MetadataReference]::CreateFromFile($file.FullName)
}
$options = [Microsoft.CodeAnalysis.CSharp.CSharpCompilationOptions]::new('DynamicallyLinkedLibrary')
$options = $options.WithOptimizationLevel('Release').WithDeterministic($true)
$made = [Microsoft.CodeAnalysis.CSharp.CSharpCompilation]::Create('PwshKernels',
    [Microsoft.CodeAnalysis.SyntaxTree[]]$trees,
    [Microsoft.CodeAnalysis.MetadataReference[]]$references, $options)
$stream = [IO.File]::Create($OutputAssembly)
try { $result = $made.Emit($stream) } finally { $stream.Dispose() }
if (-not $result.Success) { throw ($result.Diagnostics -join "`n") }
