namespace Kv.Faults.Testbeds;

internal sealed class ContainerTestbed
{
    public static Task<ITestbed> PrepareAsync(string? image, Action<string> say) => throw new NotImplementedException();
}
