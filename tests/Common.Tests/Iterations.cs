using System.Runtime.CompilerServices;

namespace Kv.Common.Tests;

internal static class Iterations
{
    // The library's own default is 100. CsCheck_Iter in the environment still wins, for a longer search.
    [ModuleInitializer]
    internal static void SetDefault()
    {
        if (Environment.GetEnvironmentVariable("CsCheck_Iter") is null) Check.Iter = 1000;
    }
}
