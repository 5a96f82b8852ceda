# How the session resolves commands just now. No command and no variable of ours is used, so that nothing
# that a script has left in the session comes between; {assembly} and {asked} are replaced by texts.
$null = [System.Reflection.Assembly]::LoadFrom('{assembly}')
[PwshKernels.CommandReader]::Read($ExecutionContext, '{asked}')
