using Kv.Common.Causality;
using Kv.Common.Changes;
using Kv.Common.Identity;
using Kv.Common.Replication;

namespace Kv.Common.Tests.Changes;

/// <summary>
/// A small cluster, as simple as can be: shards of two replicas, sessions that read and write anywhere, tokens that drop what both replicas of a shard hold. Beside its token each session keeps
/// all that it has really seen: the oracle.
/// </summary>
internal sealed class ShardedWorld
{
    public const int Replicas = 2;

    private static readonly CausalTokenCodec Codec = new([], new(7));

    private readonly Random _random;
    private readonly VersionVector[][] _held;
    private readonly ulong[][] _clocks;
    private readonly (CausalToken Token, HashSet<Dot> Seen)[] _sessions;
    private readonly Dictionary<Dot, WriteRecord> _written = [];

    public ShardedWorld(int shards, Random random)
    {
        _random = random;
        Groups = [.. Enumerable.Range(0, shards).Select(shard => new ReplicaGroup(0, new(shard)))];
        _held = [.. Groups.Select(_ => Enumerable.Repeat(VersionVector.Empty, Replicas).ToArray())];
        // Their clocks need not agree.
        _clocks = [.. Groups.Select(_ => Enumerable.Range(0, Replicas).Select(_ => (ulong)random.Next(40)).ToArray())];
        _sessions = [.. Enumerable.Range(0, 3).Select(_ => (CausalToken.None, new HashSet<Dot>()))];
    }

    public ReplicaGroup[] Groups { get; }

    /// <summary>What each write really depends on.</summary>
    public Dictionary<Dot, HashSet<Dot>> Past { get; } = [];

    public void Step()
    {
        var (shard, replica, session) = (_random.Next(Groups.Length), _random.Next(Replicas), _random.Next(_sessions.Length));
        switch (_random.Next(4))
        {
            case 0: Synchronize(shard, replica); break;
            case 1: Read(session, shard, replica); break;
            default: Write(session, shard, replica); break;
        }
    }

    public void SynchronizeAll()
    {
        for (var shard = 0; shard < Groups.Length; shard++)
        {
            for (var replica = 0; replica < Replicas; replica++) Synchronize(shard, replica);
        }
    }

    /// <summary>What a replica answers.</summary>
    public ChangeNews Ask(int shard, int replica, VersionVector passed, int most)
    {
        var cut = _held[shard][replica];
        var have = cut.Covers(passed) ? passed : passed.Meet(cut);
        var news = _written.Values.Where(record => record.Dot.Origin.Group == Groups[shard] && cut.Covers(record.Dot) && !have.Covers(record.Dot))
            .OrderBy(record => (record.Stamp.Packed, record.Dot.Origin)).Select(Passage.Of).ToList();
        return new(cut, [.. news.Take(most)], news.Count <= most);
    }

    private void Synchronize(int shard, int replica)
    {
        _held[shard][replica] = _held[shard].Aggregate((one, other) => one.Join(other));
        _clocks[shard][replica] = _clocks[shard].Max();
    }

    private void Write(int session, int shard, int replica)
    {
        var (token, seen) = _sessions[session];
        Admit(shard, replica, token);
        var origin = new Origin(new((ulong)((shard * Replicas) + replica + 1)), Groups[shard]);
        var dot = new Dot(origin, _held[shard][replica][origin] + 1);
        var stamp = _clocks[shard][replica] = Math.Max(_clocks[shard][replica], token.Stamp.Packed) + 1;
        var pruned = token.Prune(Stable());
        var written = new CausalToken(Epoch.First, new(stamp), pruned.Dependencies.With(dot));
        _written[dot] = new(new Key($"k{_random.Next(5)}"), new byte[] { 49 }, false, new(stamp), dot, Codec.Seal(written));
        Past[dot] = [.. seen];
        _held[shard][replica] = _held[shard][replica].With(dot);
        seen.Add(dot);
        _sessions[session] = (written, seen);
    }

    private void Read(int session, int shard, int replica)
    {
        var (token, seen) = _sessions[session];
        Admit(shard, replica, token);
        var held = _written.Values.Where(record => record.Dot.Origin.Group == Groups[shard] && _held[shard][replica].Covers(record.Dot)).ToList();
        if (held.Count == 0) return;
        var record = held[_random.Next(held.Count)];
        seen.UnionWith(Past[record.Dot]);
        seen.Add(record.Dot);
        _sessions[session] = (token.Join(record.OpenedToken).Prune(Stable()), seen);
    }

    // As the gate does: a replica serves nobody whose past it lacks.
    private void Admit(int shard, int replica, CausalToken token)
    {
        if (!_held[shard][replica].Covers(token.Dependencies.OfGroups(group => group == Groups[shard]))) Synchronize(shard, replica);
    }

    private VersionVector Stable() => _held.Select(replicas => replicas.Aggregate((one, other) => one.Meet(other))).Aggregate((one, other) => one.Join(other));
}
