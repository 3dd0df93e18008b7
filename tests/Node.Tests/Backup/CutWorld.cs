using Kv.Common.Causality;
using Kv.Common.Identity;
using Kv.Common.Time;
using Kv.Common.Topology;
using Kv.Node.Backup;
using Kv.Node.Peers;

namespace Kv.Node.Tests.Backup;

/// <summary>
/// Sessions that write and read across three shards of two replicas each, and replicas that deliver to each other whenever it pleases the seed: nothing but vectors, clocks that do not agree, and dependencies, from which
/// tokens are pruned as soon as they may be. Whoever asks a replica something finds that the world has gone on meanwhile.
/// </summary>
internal sealed class CutWorld
{
    private const int SessionCount = 4;
    private const int MostSkew = 30;

    private readonly Random _random;
    private readonly List<Write> _writes = [];
    private readonly Session[] _sessions = [.. Enumerable.Repeat(new Session(VersionVector.Empty, VersionVector.Empty, HybridTimestamp.Zero), SessionCount)];
    private readonly Dictionary<NodeAddress, VersionVector> _replicas;
    private readonly Dictionary<NodeAddress, int> _skews;
    private readonly Dictionary<NodeAddress, HybridLogicalClock> _clocks;
    private int _now = MostSkew;

    public CutWorld(int seed)
    {
        _random = new(seed);
        Topology = Genesis.Provisional([.. Enumerable.Range(1, 6).Select(i => NodeAddress.Parse($"10.10.0.{i}:8080"))], 3);
        _replicas = Topology.Members.ToDictionary(member => member, _ => VersionVector.Empty);
        _skews = Topology.Members.ToDictionary(member => member, _ => _random.Next(MostSkew));
        _clocks = Topology.Members.ToDictionary(member => member, _ => new HybridLogicalClock(HybridTimestamp.Zero));
        Live(80);
    }

    public ClusterTopology Topology { get; }

    /// <summary>All that was written, by any.</summary>
    public IReadOnlyList<Write> Writes => _writes;

    /// <summary>What the snapshots held, before anything was added.</summary>
    public Dictionary<ReplicaGroup, VersionVector> Pinned { get; } = [];

    /// <summary>What all replicas of a shard hold, but for the one at that place, if any, which cannot be reached; they meet a clock.</summary>
    public VersionVector HeldByAny(ShardMembers shard, HybridTimestamp met, int? unreachable = null) => shard.Members.Where((_, place) => place != unreachable).Aggregate(VersionVector.Empty, (joined, member) =>
    {
        Live(_random.Next(30));
        _clocks[member].TryMerge(met, _now);
        return joined.Join(_replicas[member]);
    });

    /// <summary>The conversation with one of the shard's replicas.</summary>
    public IPeerStream<BackupRequest, BackupPiece> Open(ShardMembers shard) => new Donor(this, shard, shard.Members[_random.Next(shard.Members.Length)]);

    private void Live(int steps)
    {
        for (; steps > 0; steps--)
        {
            _now++;
            var shard = Topology.Shards[_random.Next(3)];
            var replica = shard.Members[_random.Next(2)];
            var session = _random.Next(SessionCount);
            switch (_random.Next(5))
            {
                case 0 or 1 when Admits(replica, shard, session):
                    var origin = new Origin(new((ulong)Topology.Members.IndexOf(replica) + 1), Topology.GroupOf(shard.Id));
                    var dot = new Dot(origin, _replicas[replica][origin] + 1);
                    var stamp = _clocks[replica].Next(_now - _skews[replica], _sessions[session].Stamp);
                    _sessions[session] = new(_sessions[session].Named.With(dot), _sessions[session].Past.With(dot), stamp);
                    _writes.Add(new(dot, stamp, _sessions[session].Named, _sessions[session].Past));
                    _replicas[replica] = _replicas[replica].With(dot);
                    break;
                case 2 or 3 when Admits(replica, shard, session) && _writes.Where(write => _replicas[replica].Covers(write.Dot)).ToList() is { Count: > 0 } readable:
                    var read = readable[_random.Next(readable.Count)];
                    var (named, past) = (_sessions[session].Named.Join(read.Named), _sessions[session].Past.Join(read.Past));
                    _sessions[session] = new(named.Without(HeldByAll()), past, HybridTimestamp.Max(_sessions[session].Stamp, read.Stamp));
                    break;
                case 4:
                    DeliverOne(replica, shard);
                    break;
            }
        }
    }

    private bool Admits(NodeAddress replica, ShardMembers shard, int session) => _replicas[replica].Covers(Topology.Concerning(Topology.GroupOf(shard.Id), _sessions[session].Past));

    // What any token may be pruned of: nobody knows more than that.
    private VersionVector HeldByAll() => Topology.Shards.Aggregate(VersionVector.Empty, (joined, shard) => joined.Join(shard.Members.Select(member => _replicas[member]).Aggregate((met, vector) => met.Meet(vector))));

    // In causal order: the earliest write of the shard that the replica lacks.
    private bool DeliverOne(NodeAddress replica, ShardMembers shard)
    {
        if (_writes.Find(write => write.Dot.Origin.Group == Topology.GroupOf(shard.Id) && !_replicas[replica].Covers(write.Dot)) is not { } next) return false;
        _replicas[replica] = _replicas[replica].With(next.Dot);
        _clocks[replica].TryMerge(next.Stamp, _now);
        return true;
    }

    private VersionVector DependenciesOf(VersionVector after, VersionVector through) =>
        _writes.Where(write => through.Covers(write.Dot) && !after.Covers(write.Dot)).Aggregate(VersionVector.Empty, (joined, write) => joined.Join(write.Named));

    /// <param name="Named">What its token names.</param>
    /// <param name="Past">And all it depends on.</param>
    internal sealed record Write(Dot Dot, HybridTimestamp Stamp, VersionVector Named, VersionVector Past);

    private sealed record Session(VersionVector Named, VersionVector Past, HybridTimestamp Stamp);

    private sealed class Donor(CutWorld world, ShardMembers shard, NodeAddress replica) : IPeerStream<BackupRequest, BackupPiece>
    {
        private VersionVector _opened = VersionVector.Empty;
        private VersionVector _held = VersionVector.Empty;
        private HybridTimestamp _clock;
        private BackupRequest? _asked;

        public ValueTask SendAsync(BackupRequest message, CancellationToken cancellation)
        {
            _asked = message;
            return default;
        }

        public ValueTask<BackupPiece?> ReceiveAsync(CancellationToken cancellation)
        {
            world.Live(world._random.Next(30));
            return new(Answer());
        }

        public ValueTask DisposeAsync() => default;

        private BackupPiece Answer()
        {
            switch (_asked)
            {
                case BackupRequest.Open:
                    return new BackupPiece.Opened(_opened = world._replicas[replica]);
                case BackupRequest.Pin pin:
                    Cover(pin.Have);
                    world.Pinned[world.Topology.GroupOf(shard.Id)] = world._replicas[replica];
                    _clock = world._clocks[replica].Last;
                    return Add(_opened, world._replicas[replica]);
                case BackupRequest.Settle settle:
                    Cover(settle.Known);
                    if (world._writes.Any(write => write.Stamp <= settle.Stamp && world._replicas[replica].Covers(write.Dot) && !_held.Join(settle.Known).Covers(write.Dot)))
                        throw new BackupRefusedException("A write came that nobody had told of.");
                    return Add(_held, world._writes.Where(write => write.Stamp <= settle.Stamp && settle.Known.Covers(write.Dot)).Aggregate(_held, (joined, write) => joined.With(write.Dot)));
                case BackupRequest.Include include:
                    Cover(include.Through);
                    return Add(_held, _held.Join(include.Through));
                default:
                    throw new InvalidOperationException("Nobody asks that here.");
            }
        }

        private BackupPiece.Held Add(VersionVector before, VersionVector held) => new(_held = held, world.DependenciesOf(before, held), 0, _clock);

        private void Cover(VersionVector wanted)
        {
            while (!world._replicas[replica].Covers(wanted) && world.DeliverOne(replica, shard))
            {
            }
        }
    }
}
