namespace Kv.Node.Security;

/// <summary>What one client may take of the REST door: an API key, or, where there are none, a remote address. Section <c>Clients</c>. Probes and pages without data do not count.</summary>
internal sealed class ClientOptions
{
    /// <summary>Most requests a second, on average; 0 for no limit.</summary>
    public double RequestsPerSecond { get; set; }

    /// <summary>Most requests at once after a pause; 0 for as many as two seconds bring.</summary>
    public int Burst { get; set; }

    /// <summary>Most requests under way at a time; 0 for no limit.</summary>
    public int MaxConcurrent { get; set; }

    /// <summary>Most clients that are told apart. Those who come when so many are active share one limit.</summary>
    public int MaxTracked { get; set; } = 10_000;

    /// <summary>True when anything is limited.</summary>
    public bool IsOn => RequestsPerSecond > 0 || MaxConcurrent > 0;

    /// <summary>How many requests a client may have in hand.</summary>
    public double Capacity => Burst > 0 ? Burst : Math.Max(1, 2 * RequestsPerSecond);

    public IEnumerable<string> Validate()
    {
        if (!(RequestsPerSecond is >= 0 and <= 1e9)) yield return "Clients:RequestsPerSecond must be 0 to 1000000000.";
        if (Burst < 0) yield return "Clients:Burst must not be negative.";
        if (Burst > 0 && RequestsPerSecond == 0) yield return "Clients:Burst needs Clients:RequestsPerSecond.";
        if (MaxConcurrent < 0) yield return "Clients:MaxConcurrent must not be negative.";
        if (MaxTracked is < 1 or > 1 << 20) yield return "Clients:MaxTracked must be 1 to 1048576.";
    }
}
