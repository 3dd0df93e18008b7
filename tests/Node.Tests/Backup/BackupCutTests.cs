using System.IO.Pipelines;
using Kv.Common.Backup;
using Kv.Common.Causality;
using Kv.Common.Identity;
using Kv.Common.Time;
using Kv.Node.Backup;
using Kv.Node.Peers;
using Kv.Node.Telemetry;
using Microsoft.Extensions.Time.Testing;

namespace Kv.Node.Tests.Backup;

/// <summary>The cut that a backup is made of, whatever its replicas did while it was made.</summary>
public sealed class BackupCutTests
{
    private const int Worlds = 2000;

    [Fact]
    public async Task A_cut_has_every_cause_of_what_it_has_and_all_that_was_there_before()
    {
        var (wasOpen, wasPruned, refused) = (false, false, 0);
        for (var seed = 0; seed < Worlds; seed++)
        {
            var world = new CutWorld(seed);
            var before = world.Writes.Select(write => write.Dot).ToList();
            await using var cut = new BackupCut(world.Topology, 0);
            foreach (var shard in world.Topology.Shards) cut.Add(shard, world.Open(shard));
            // In every second world one replica of each shard cannot be reached when all are to be beyond the snapshots.
            int? unreachable = seed % 2 == 0 ? seed / 2 % 2 : null;
            try
            {
                await cut.CloseAsync((shard, met) => Task.FromResult(world.HeldByAny(shard, met, met == HybridTimestamp.Zero ? null : unreachable)), TestContext.Current.CancellationToken);
            }
            catch (BackupRefusedException) when (unreachable is not null)
            {
                refused++;
                continue;
            }

            var held = cut.Parts.ToDictionary(part => part.Group, part => part.Vector);
            Assert.All(before, dot => Assert.True(held[dot.Origin.Group].Covers(dot), $"Seed {seed}: {dot} was there before, and is not in the backup"));
            foreach (var write in world.Writes.Where(write => held[write.Dot.Origin.Group].Covers(write.Dot)))
            {
                var missing = CutClosure.Missing(world.Topology, cut.Parts, write.Past);
                Assert.True(missing.IsEmpty, $"Seed {seed}: {write.Dot} depends on {missing}, which is not in the backup");
            }

            var open = world.Writes.Where(write => world.Pinned[write.Dot.Origin.Group].Covers(write.Dot)).ToList();
            wasOpen |= open.Any(write => write.Named.Any(dot => !world.Pinned[dot.Origin.Group].Covers(dot)));
            wasPruned |= open.Any(write => write.Past.Any(dot => !write.Named.Covers(dot) && !world.Pinned[dot.Origin.Group].Covers(dot)));
        }

        Assert.True(wasOpen && wasPruned, "The snapshots alone were closed in every world: they show nothing.");
        Assert.InRange(refused, 1, Worlds / 4);
    }

    [Fact]
    public async Task A_donor_that_stands_still_ends_the_backup()
    {
        var (world, time, options) = (new CutWorld(1), new FakeTimeProvider(), new BackupOptions());
        await using var cut = new BackupCut(world.Topology, 0);
        foreach (var shard in world.Topology.Shards) cut.Add(shard, new StandsStillAtItsScan(world.Open(shard)));
        await cut.CloseAsync((shard, met) => Task.FromResult(world.HeldByAny(shard, met, null)), TestContext.Current.CancellationToken);
        using var metrics = new KvMetrics();
        using var run = new BackupActivity(time, metrics).TryBegin("backup", BackupStage.Streaming)!;
        var backup = new ClusterBackup(new(world.Topology.Cluster, world.Topology.Members[0], new(1)), null!, time, options);
        var writing = backup.WriteAsync(cut, PipeWriter.Create(Stream.Null), run, TestContext.Current.CancellationToken);
        time.Advance(options.DonorPatience * 0.9);
        Assert.False(writing.IsCompleted);
        time.Advance(options.DonorPatience * 0.2);
        var refused = await Assert.ThrowsAsync<BackupRefusedException>(() => writing.WaitAsync(TimeSpan.FromSeconds(10), TestContext.Current.CancellationToken));
        Assert.Contains("stands still", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void What_a_part_lacks_is_what_others_depend_on_and_concerns_it()
    {
        var world = new CutWorld(1);
        var (first, second) = (world.Topology.GroupOf(new ShardId(0)), world.Topology.GroupOf(new ShardId(1)));
        var (here, there) = (new Dot(new(new(1), first), 3), new Dot(new(new(2), second), 4));
        var closure = new CutClosure(world.Topology, [new(first, VersionVector.Of(here)), new(second, VersionVector.Empty)]);
        Assert.Empty(closure.Lacking);
        closure.Need(VersionVector.Of(here, there));
        var lacking = Assert.Single(closure.Lacking);
        Assert.Equal((second, VersionVector.Of(there)), (lacking.Group, lacking.Vector));
        closure.Extend(second, VersionVector.Of(there));
        Assert.Empty(closure.Lacking);
    }

    private sealed class StandsStillAtItsScan(IPeerStream<BackupRequest, BackupPiece> stream) : IPeerStream<BackupRequest, BackupPiece>
    {
        private bool _isAsked;

        public ValueTask SendAsync(BackupRequest message, CancellationToken cancellation)
        {
            _isAsked = message is BackupRequest.Scan;
            return _isAsked ? default : stream.SendAsync(message, cancellation);
        }

        public async ValueTask<BackupPiece?> ReceiveAsync(CancellationToken cancellation)
        {
            if (_isAsked) await Task.Delay(Timeout.Infinite, cancellation);
            return await stream.ReceiveAsync(cancellation);
        }

        public ValueTask DisposeAsync() => stream.DisposeAsync();
    }
}
