using Kv.Common.Causality;

namespace Kv.Node.Replica;

/// <summary>What the log is kept for besides the replicas that lack it: somebody who reads on there, later. May be given up when the log becomes too long.</summary>
internal sealed class LogHolds
{
    private readonly Lock _gate = new();
    private readonly HashSet<LogHold> _held = [];

    /// <summary>How many there are.</summary>
    public int Count
    {
        get
        {
            lock (_gate) return _held.Count;
        }
    }

    /// <summary>
    /// Keeps all that the log has, until <see cref="LogHold.KeepAfter"/> says less. Who takes it first and then looks at the replica finds a vector that covers whatever is trimmed all the
    /// same, for who trims looks in the other order: at the replica, and then at <see cref="Limit"/>.
    /// </summary>
    public LogHold Take()
    {
        var hold = new LogHold(End);
        lock (_gate) _held.Add(hold);
        return hold;
    }

    /// <summary>As much of <paramref name="upTo"/> as may be trimmed.</summary>
    public VersionVector Limit(VersionVector upTo)
    {
        lock (_gate) return _held.Aggregate(upTo, (least, hold) => least.Meet(hold.After));
    }

    /// <summary>Keeps the log for nobody any longer; says for how many it was kept.</summary>
    public int GiveUp()
    {
        List<LogHold> given;
        lock (_gate)
        {
            given = [.. _held];
            _held.Clear();
        }

        foreach (var hold in given) hold.GiveUp();
        return given.Count;
    }

    private void End(LogHold hold)
    {
        lock (_gate) _held.Remove(hold);
    }
}
