using Kv.Common.Replication;
using Kv.Node.Replication;
using Kv.Node.Tests.VirtualTime;

namespace Kv.Node.Tests.Replication;

public sealed class StoppingTests : IDisposable
{
    private readonly VirtualClock _clock = new();
    private readonly TwoReplicas _two;

    public StoppingTests() => _two = new(_clock);

    public void Dispose() => _two.Dispose();

    [Fact]
    public void A_node_that_stops_in_the_middle_of_a_fetch_stops_cleanly()
    {
        using var stop = new CancellationTokenSource();
        var process = _clock.NewProcess();
        var writer = process.Start(() => _two.Replica.RunAsync(stop.Token));
        var catchUp = _two.NewCatchUp(_clock.Time);
        _two.Transport.Fetch = (_, _) => FetchAsync();
        var running = process.Start(() => catchUp.RunAsync(stop.Token));
        catchUp.Ask(TwoReplicas.OfBen);
        _clock.Advance(TimeSpan.FromSeconds(1));
        Assert.True(writer.IsCompletedSuccessfully);
        Assert.True(running.IsCompletedSuccessfully, running.Exception?.Message);

        // The writer ends before the batch is handed to it.
        async IAsyncEnumerable<RecordBatch> FetchAsync()
        {
            stop.Cancel();
            await writer;
            yield return new([Passage.Of(_two.WriteOfBen())]);
        }
    }
}
