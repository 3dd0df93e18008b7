namespace Kv.Faults.Reports;

/// <summary>Requests while something went on.</summary>
internal sealed record ServedRequests(long Judged, long Served, long InWindow, long ServedInWindow, TimeSpan LongestStall, TimeSpan LongestStallInWindow)
{
    public static readonly ServedRequests None = new(0, 0, 0, 0, TimeSpan.Zero, TimeSpan.Zero);

    public double Share => Judged == 0 ? 1 : (double)Served / Judged;
}

/// <summary>Counts what the prober saw, by what went on meanwhile; what nothing went on for is under <see cref="Quiet"/>.</summary>
internal sealed class Availability
{
    /// <summary>Nothing went on.</summary>
    public const string Quiet = "nothing";

    /// <summary>Everything together.</summary>
    public const string All = "all";

    private const int MostExamples = 12;

    private readonly Lock _gate = new();
    private readonly Dictionary<string, ServedRequests> _byKind = [];
    private readonly Dictionary<string, List<string>> _examples = [];

    // Since when a node has not served a shard, and whether that began in a detection window.
    private readonly Dictionary<(int Node, int Shard), (long Since, bool InWindow)> _unserved = [];

    /// <param name="kinds">What went on.</param>
    /// <param name="isJudged">False in a detection window, and where nothing was promised.</param>
    /// <param name="isServed">Answered well and in time.</param>
    /// <param name="way">Node and shard.</param>
    /// <param name="began">When the request was sent.</param>
    /// <param name="ended">When it was answered, or given up.</param>
    /// <param name="what">For people, when it was not served.</param>
    public void Add(IEnumerable<string> kinds, bool isJudged, bool isServed, (int Node, int Shard) way, long began, long ended, string what)
    {
        lock (_gate)
        {
            // A stall lasts from the first request that was not served well until an answer to any later one; a slow answer is a stall of its own.
            var stall = TimeSpan.FromTicks(ended - began);
            var stallInWindow = !isJudged;
            if (_unserved.TryGetValue(way, out var unserved)) (stall, stallInWindow) = (TimeSpan.FromTicks(ended - unserved.Since), unserved.InWindow);
            if (isServed) _unserved.Remove(way);
            else _unserved.TryAdd(way, (began, !isJudged));

            var names = kinds.Distinct().ToList();
            if (names.Count == 0) names.Add(Quiet);
            foreach (var name in names.Append(All))
            {
                var known = _byKind.GetValueOrDefault(name, ServedRequests.None);
                known = isJudged
                    ? known with { Judged = known.Judged + 1, Served = known.Served + (isServed ? 1 : 0) }
                    : known with { InWindow = known.InWindow + 1, ServedInWindow = known.ServedInWindow + (isServed ? 1 : 0) };
                known = stallInWindow
                    ? known with { LongestStallInWindow = Max(known.LongestStallInWindow, stall) }
                    : known with { LongestStall = Max(known.LongestStall, stall) };
                _byKind[name] = known;
                if (!isJudged || isServed || name == All) continue;
                if (!_examples.TryGetValue(name, out var examples)) _examples[name] = examples = [];
                if (examples.Count < MostExamples) examples.Add($"{TimeSpan.FromTicks(began):hh\\:mm\\:ss\\.f} {what}");
            }
        }
    }

    /// <summary>Nothing is promised on that way just now: what was not served before does not last.</summary>
    public void Excuse((int Node, int Shard) way)
    {
        lock (_gate) _unserved.Remove(way);
    }

    /// <summary>A round is over: what was not served in it does not last into the next one.</summary>
    public void Rest()
    {
        lock (_gate) _unserved.Clear();
    }

    public ServedRequests Of(string kind)
    {
        lock (_gate) return _byKind.GetValueOrDefault(kind, ServedRequests.None);
    }

    public IReadOnlyDictionary<string, IReadOnlyList<string>> Examples
    {
        get
        {
            lock (_gate) return _examples.ToDictionary(each => each.Key, each => (IReadOnlyList<string>)[.. each.Value]);
        }
    }

    private static TimeSpan Max(TimeSpan one, TimeSpan other) => one > other ? one : other;
}
