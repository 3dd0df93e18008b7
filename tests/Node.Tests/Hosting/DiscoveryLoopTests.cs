using Kv.Common.Identity;
using Kv.Common.Topology;
using Kv.Node.Hosting;
using Kv.Node.Hosting.ClusterDiscovery;
using Kv.Node.Tests.VirtualTime;
using Microsoft.Extensions.Configuration;

namespace Kv.Node.Tests.Hosting;

public sealed class DiscoveryLoopTests : IDisposable
{
    private static readonly NodeAddress[] View = [.. Enumerable.Range(2, 3).Select(i => NodeAddress.Parse($"10.0.0.{i}:8080"))];

    private readonly VirtualClock _clock = new();
    private readonly Dictionary<NodeAddress, DiscoveryAnswer> _answers = [];
    private readonly List<(int Event, string Text)> _messages = [];
    private readonly CancellationTokenSource _stop = new();

    [Fact]
    public async Task It_asks_until_somebody_has_a_cluster()
    {
        var search = Start();
        _clock.Advance(TimeSpan.FromMinutes(5));
        Assert.False(search.IsCompleted);

        var cluster = Genesis.Provisional([View[1]], 1);
        _answers[View[1]] = new DiscoveryAnswer.Belongs(cluster);
        _clock.AdvanceUntil(() => search.IsCompleted, TimeSpan.FromSeconds(1));
        Assert.Same(cluster, await search);
    }

    [Fact]
    public async Task All_of_the_view_need_no_patience()
    {
        _answers[View[1]] = _answers[View[2]] = new DiscoveryAnswer.Undecided([.. View]);
        var search = Start();
        _clock.Settle();
        Assert.True(search.IsCompleted);
        Assert.Equal(Genesis.Provisional(View, 1).Digest, (await search).Digest);
    }

    [Fact]
    public void A_majority_has_the_patience_of_its_settings()
    {
        _answers[View[1]] = new DiscoveryAnswer.Undecided([.. View]);
        var search = Start();
        Assert.InRange(_clock.AdvanceUntil(() => search.IsCompleted, TimeSpan.FromMinutes(1)).TotalSeconds, 30, 31);
    }

    [Fact]
    public async Task Two_clusters_are_refused_by_name()
    {
        var (one, other) = (Genesis.Provisional([View[1]], 1), Genesis.Provisional([View[2]], 1));
        _answers[View[1]] = new DiscoveryAnswer.Belongs(one);
        _answers[View[2]] = new DiscoveryAnswer.Belongs(other);
        var search = Start();
        _clock.Settle();
        Assert.True(search.IsCompleted);
        var refused = await Assert.ThrowsAsync<InvalidOptionsException>(() => search);
        foreach (var word in new object[] { View[1], one.Cluster, View[2], other.Cluster }) Assert.Contains(word.ToString()!, refused.Message);
    }

    [Fact]
    public void What_it_waits_for_is_said_when_it_changes_and_no_oftener()
    {
        Start();
        _clock.Advance(TimeSpan.FromSeconds(10));
        _answers[View[1]] = new DiscoveryAnswer.Undecided([View[1], View[2]]);
        _clock.Advance(TimeSpan.FromSeconds(10));
        Assert.Equal(
            [
                "Looking for the cluster: waiting for 10.0.0.3:8080,10.0.0.4:8080",
                "10.0.0.3:8080 looks for its cluster in VIEW 10.0.0.3:8080,10.0.0.4:8080, this node in VIEW 10.0.0.2:8080,10.0.0.3:8080,10.0.0.4:8080: they cannot form one together",
                "Looking for the cluster: waiting for 10.0.0.4:8080",
            ],
            _messages.Select(message => message.Text));
    }

    [Fact]
    public void It_ends_at_once_when_it_is_stopped()
    {
        var search = Start();
        _clock.Advance(TimeSpan.FromSeconds(1));
        _stop.Cancel();
        _clock.Settle();
        Assert.True(search.IsCanceled);
    }

    public void Dispose() => _stop.Dispose();

    private Task<ClusterTopology> Start()
    {
        var options = NodeOptions.Read(new ConfigurationBuilder()
            .AddInMemoryCollection(new Dictionary<string, string?> { ["SOCKET_ADDRESS"] = View[0].ToString(), ["VIEW"] = string.Join(',', View.AsEnumerable()) })
            .Build());
        var loop = new DiscoveryLoop(options, (peer, _) => Task.FromResult(_answers.GetValueOrDefault(peer)), _clock.Time, new RecordingLogger<DiscoveryLoop>(_messages));
        return _clock.NewProcess().Start(() => loop.RunAsync(_stop.Token));
    }
}
