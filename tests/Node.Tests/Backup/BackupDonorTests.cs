using Kv.Common.Identity;
using Kv.Common.Time;
using Kv.Common.Topology;
using Kv.Node.Backup;
using Kv.Node.Replica;
using Kv.Node.Signals;

namespace Kv.Node.Tests.Backup;

/// <summary>What a replica adds to its snapshot because it is as old as the other shards' snapshots.</summary>
public sealed class BackupDonorTests : IAsyncLifetime
{
    private static readonly ShardId Shard = new(0);

    private InProcessNode _node = null!;

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    private ReplicaSnapshot Snapshot => _node.Service<ReplicaState>().Snapshot.Current;

    public async ValueTask InitializeAsync() => _node = await InProcessNode.StartAsync();

    public ValueTask DisposeAsync() => _node.DisposeAsync();

    [Fact]
    public async Task Of_what_is_known_to_be_there_it_adds_what_is_as_old_as_the_stamp_and_nothing_later()
    {
        await using var part = Open(out var open);
        await PinAsync(part, open);
        await PutAsync("older");
        var stamp = Snapshot.Clock;
        var older = Snapshot.Vector;
        await PutAsync("later");

        var settled = await AskAsync<BackupPiece.Held>(part, new BackupRequest.Settle(Snapshot.Vector, stamp));
        Assert.Equal(older, settled.Vector);
        await part.SendAsync(new BackupRequest.Scan([new(open.Source, settled.Vector)], DigestOnly: false), Stop);
        Assert.Equal(["before", "older"], (await ReceiveAsync<BackupPiece.Entries>(part)).All.Select(entry => entry.Key.ToString()).Order());
    }

    [Fact]
    public async Task It_refuses_when_it_has_something_as_old_that_nobody_told_of()
    {
        await using var part = Open(out var open);
        var pinned = await PinAsync(part, open);
        await PutAsync("untold");
        await part.SendAsync(new BackupRequest.Settle(pinned.Vector, Snapshot.Clock), Stop);
        var refused = await Assert.ThrowsAsync<BackupRefusedException>(async () => await part.ReceiveAsync(Stop));
        Assert.Contains("older than the snapshots", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task No_write_of_the_snapshot_is_later_than_the_clock_that_comes_with_it()
    {
        await using var part = Open(out var open);
        await PutAsync("newest");
        var newest = Snapshot.Clock;
        Assert.True((await PinAsync(part, open)).Clock >= newest);
    }

    [Fact]
    public async Task Whatever_is_written_after_all_were_asked_is_later_than_the_stamp_they_were_asked_with()
    {
        var view = _node.Service<Published<ClusterTopology>>().Current;
        var ahead = new HybridTimestamp(HybridTimestamp.At(DateTimeOffset.UtcNow.ToUnixTimeMilliseconds() + 300).Packed + 7);
        await _node.Service<ReplicaVectors>().HeldAsync(view, view.Find(Shard)!, ahead);
        await PutAsync("after");
        Assert.True(Snapshot.Clock > ahead);
    }

    private LocalPart Open(out BackupRequest.Open open)
    {
        var view = _node.Service<Published<ClusterTopology>>().Current;
        open = new(view.Epoch, view.GroupOf(Shard));
        return new(_node.Service<NodeIdentity>(), _node.Service<BackupDonor>(), Stop);
    }

    private async Task<BackupPiece.Held> PinAsync(LocalPart part, BackupRequest.Open open)
    {
        await PutAsync("before");
        var opened = await AskAsync<BackupPiece.Opened>(part, open);
        return await AskAsync<BackupPiece.Held>(part, new BackupRequest.Pin(opened.Vector));
    }

    private static async Task<T> AskAsync<T>(LocalPart part, BackupRequest request)
        where T : BackupPiece
    {
        await part.SendAsync(request, Stop);
        return await ReceiveAsync<T>(part);
    }

    private static async Task<T> ReceiveAsync<T>(LocalPart part)
        where T : BackupPiece => Assert.IsType<T>(await part.ReceiveAsync(Stop));

    private async Task PutAsync(string key)
    {
        var put = await _node.Client.PutAsync(key, "1");
        Assert.True(put.Status is 200 or 201, put.ToString());
    }
}
