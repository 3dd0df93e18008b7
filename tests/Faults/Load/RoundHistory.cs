using Kv.Histories;

namespace Kv.Faults.Load;

/// <summary>What the sessions of one round do and see. All of them write into it at once.</summary>
internal sealed class RoundHistory(int seed, int round, int keys, SuiteClock clock)
{
    private const int MostRemembered = 8;

    private readonly Lock _gate = new();
    private readonly ClientHistory _history = new();
    private readonly Queue<SessionToken> _lastTokens = [];

    public int Round => round;

    public int Keys => keys;

    /// <summary>For who judges it, when no session is at work any more.</summary>
    public ClientHistory Finished => _history;

    /// <summary>A key that no other round uses.</summary>
    public string KeyOf(int index) => string.Create(System.Globalization.CultureInfo.InvariantCulture, $"f{seed}-{round}-k{index}");

    /// <summary>The value of a put: no other operation of any round writes it.</summary>
    public string ValueOf(Operation put) => string.Create(System.Globalization.CultureInfo.InvariantCulture, $"\"{seed}.{round}.{put.Id}\"");

    /// <summary>The put that wrote that value; -2 for what nobody wrote.</summary>
    public int PutOf(string value)
    {
        var parts = value.Trim('"').Split('.');
        if (parts.Length != 3 || parts[0] != seed.ToString(System.Globalization.CultureInfo.InvariantCulture) || parts[1] != round.ToString(System.Globalization.CultureInfo.InvariantCulture)) return -2;
        lock (_gate) return int.TryParse(parts[2], out var id) && id >= 0 && id < _history.NextId ? id : -2;
    }

    public Operation Begin(int client, OperationKind kind, int key, int after)
    {
        lock (_gate)
        {
            var operation = new Operation { Id = _history.NextId, Client = client, Kind = kind, Key = key, After = after, InvokedAt = clock.Now };
            _history.Add(operation);
            return operation;
        }
    }

    /// <summary>Whoever goes on from where another one is finds its token here.</summary>
    public void Share(SessionToken token)
    {
        lock (_gate)
        {
            _lastTokens.Enqueue(token);
            if (_lastTokens.Count > MostRemembered) _lastTokens.Dequeue();
        }
    }

    public SessionToken AnyToken(Random random)
    {
        lock (_gate) return _lastTokens.Count == 0 ? SessionToken.None : _lastTokens.ElementAt(random.Next(_lastTokens.Count));
    }

    /// <summary>A write is known to be there, by a reader or at the end; its answer may never have come.</summary>
    public void Establish(int put, Rank rank)
    {
        lock (_gate) _history[put].Rank ??= rank;
    }
}

/// <summary>A token as a client holds it, and which operation it came from.</summary>
internal sealed record SessionToken(int Operation, string Text)
{
    public static readonly SessionToken None = new(Histories.Operation.None, "");
}
