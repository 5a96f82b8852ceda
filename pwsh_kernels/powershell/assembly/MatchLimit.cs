// Gives every regular expression of a process a time limit: .NET cannot stop one that backtracks, and neither can
// PowerShell. Named and called by .NET itself, before PowerShell's own start (DOTNET_STARTUP_HOOKS): later it is too
// late, because .NET reads the limit once.
using System;

internal static class StartupHook
{
    private const double Seconds = 2;

    public static void Initialize()
    {
        AppDomain.CurrentDomain.SetData("REGEX_DEFAULT_MATCH_TIMEOUT", TimeSpan.FromSeconds(Seconds));
    }
}
