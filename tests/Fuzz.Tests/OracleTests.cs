using System.Text;
using Kv.Common.Identity;
using Kv.Fuzz.Hosting;
using Kv.Fuzz.Runs;
using Kv.Fuzz.Targets;
using Kv.Node.Peers;
using Kv.Node.Requests;
using Kv.Node.Topology;
using Microsoft.AspNetCore.Http;

namespace Kv.Fuzz.Tests;

/// <summary>Faults that are planted, and must be found: a fuzzer that finds none of them proves nothing.</summary>
public sealed class OracleTests
{
    private static readonly TimeSpan Bound = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan Hopeless = TimeSpan.FromMilliseconds(500);
    private static readonly RoundId Round = new("planted", 1, 0);

    public static TheoryData<int, string, string, string> BrokenAnswers => new()
    {
        { 500, "application/json", """{"error":"Internal error","message":"Error in PUT"}""", "answers 500" },
        { 400, "text/html", "<html>", "content of type" },
        { 400, "application/json", """{"error":"E","message":""", "no JSON" },
        { 400, "application/json", "[]", "no object" },
        { 400, "application/json", """{"error":"E"}""", "without message" },
        { 503, "application/json", """{"error":"","message":"Error in PUT"}""", "without error" },
        { 400, "application/json", """{"error":"E","message":"M"}""", "without title" },
        { 400, "application/json", """{"error":"E","message":"M","title":"E"}""", "without type" },
        { 400, "application/json", """{"error":"E","message":"M","title":"E","type":"about:blank","status":400}""", "of no kind" },
        { 400, "application/json", """{"error":"E","message":"M","title":"E","type":"/problems/e","status":404}""", "says otherwise" },
        { 200, "application/problem+json", """{"message":"M"}""", "content of type" },
        { 400, "application/json", """{"error":"   at Kv.Node.Rest.RequestBody.TryRead","message":"Error in PUT","title":"E","type":"/problems/e","status":400}""", "stack trace" },
    };

    [Fact]
    public async Task What_the_product_throws_is_found_and_told_with_input_and_command()
    {
        var figures = await RunAsync(input => input[0] == 7 ? throw new InvalidTimeZoneException("planted") : new("fine"));
        var failure = figures.Failures[0];
        Assert.Equal([7], failure.Input);
        Assert.Contains(failure.Lines(), line => line.Contains("planted", StringComparison.Ordinal));
        Assert.Contains(failure.Lines(), line => line.EndsWith("--target planted --input 07", StringComparison.Ordinal));
        Assert.Contains(failure.Lines(), line => line.EndsWith("--target planted --seed 1 --round 0", StringComparison.Ordinal));
    }

    [Fact]
    public async Task The_same_round_is_the_same_inputs()
    {
        List<byte> once = [], again = [];
        await RunAsync(input => Note(once, input));
        await RunAsync(input => Note(again, input));
        Assert.Equal(once, again);

        static ValueTask<string> Note(List<byte> inputs, byte[] input)
        {
            inputs.Add(input[0]);
            return new("fine");
        }
    }

    [Fact]
    public async Task An_input_that_hangs_is_found()
    {
        var hung = new TaskCompletionSource<Failure>();
        using var watchdog = new Watchdog(Bound, Hopeless, failure => hung.TrySetResult(failure));
        var never = new TaskCompletionSource<string>();
        var round = new RoundRunner((_, _) => Open(_ => new(never.Task)), watchdog, new()).RunAsync(Round, 1, CancellationToken.None);
        Assert.Contains("does not end", (await hung.Task.WaitAsync(TimeSpan.FromSeconds(30))).What, StringComparison.Ordinal);
        never.SetResult("freed");
        await round;
    }

    [Fact]
    public async Task An_input_that_is_slow_whenever_it_is_handed_in_is_found_and_one_that_was_slow_once_is_not()
    {
        var calls = 0;
        using var watchdog = new Watchdog(Bound, TimeSpan.FromMinutes(1), _ => { });
        var figures = new Figures();
        var runner = new RoundRunner((_, _) => throw new NotSupportedException(), watchdog, figures);
        await using var slow = new PlantedTarget(_ => Slow());
        await using var slowOnce = new PlantedTarget(_ => calls++ == 0 ? Slow() : new("fine"));
        Assert.Contains("twice", (await runner.TryAsync(slow, Round, 0, [])).Failure!.What, StringComparison.Ordinal);
        // The second look may itself meet a busy machine; the outcome of one that is not slow is what counts.
        var (outcome, failure) = await runner.TryAsync(slowOnce, Round, 0, []);
        Assert.Equal(2, calls);
        Assert.True(failure is null || outcome == "fine");

        static async ValueTask<string> Slow()
        {
            // The slowness is what is tested.
            await Task.Delay(Bound * 2);
            return "slow";
        }
    }

    [Fact]
    public void An_input_that_takes_more_memory_than_it_is_worth_is_found() =>
        Assert.Throws<BrokenPromiseException>(() => Bounds.Allocating(10, () => new byte[10 << 20].Length > 0 ? "allocated" : ""));

    [Theory]
    [MemberData(nameof(BrokenAnswers))]
    public void An_answer_that_breaks_the_contract_is_found(int status, string contentType, string body, string why)
    {
        var broken = Assert.Throws<BrokenPromiseException>(() => RestOracle.Judge("PUT", "/key-value-store/k", status, contentType, Encoding.UTF8.GetBytes(body)));
        Assert.Contains(why, broken.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_bug_behind_the_rest_door_of_a_whole_node_is_found()
    {
        await using var node = await FuzzNode.OpenAsync(2, 1, isSealed: true, new Faulty());
        var body = """{"socket-address":"10.10.0.99:8080"}"""u8.ToArray();
        var broken = await Assert.ThrowsAsync<BrokenPromiseException>(
            () => node.AskAsync(new("HTTP/1.1", "PUT", "/key-value-store-view", new HeaderDictionary { ContentLength = body.Length }, body, FuzzNode.RestPort)));
        Assert.Contains("planted", broken.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_loop_of_a_whole_node_that_dies_is_found()
    {
        await using var node = await FuzzNode.OpenAsync(2, 2, isSealed: true, new Faulty());
        // Some of these keys are the other node's, and are forwarded.
        var broken = await Assert.ThrowsAsync<BrokenPromiseException>(async () =>
        {
            for (var i = 0; !node.HasEnded; i++) await node.AskAsync(new("HTTP/1.1", "GET", $"/key-value-store/k{i}", new HeaderDictionary(), [], FuzzNode.RestPort));
            node.RequireNoFailure();
        });
        Assert.Contains("planted", broken.Message, StringComparison.Ordinal);
    }

    private static async Task<Figures> RunAsync(Func<byte[], ValueTask<string>> product)
    {
        var figures = new Figures();
        using var watchdog = new Watchdog(TimeSpan.FromMinutes(1), TimeSpan.FromMinutes(2), figures.Add);
        await new RoundRunner((_, _) => Open(product), watchdog, figures).RunAsync(Round, 5000, CancellationToken.None);
        return figures;
    }

    private static Task<IFuzzTarget> Open(Func<byte[], ValueTask<string>> product) => Task.FromResult<IFuzzTarget>(new PlantedTarget(product));

    private sealed class Faulty : SilentTransport
    {
        public override ValueTask<ControlReply> CallAsync(NodeAddress peer, ControlRequest request, CancellationToken cancellation) =>
            peer.Equals(FuzzNode.Addresses[4]) ? throw new InvalidTimeZoneException("planted") : throw Nobody(peer);

        public override ValueTask<IPeerStream<ForwardBatch, ForwardReplyBatch>> OpenForwardingAsync(NodeAddress peer, CancellationToken cancellation) =>
            throw new InvalidTimeZoneException("planted");
    }
}
