using System.Text;
using Google.Protobuf;
using Kv.Fuzz.Targets;
using W = Kv.Wire;

namespace Kv.Fuzz.Tests;

/// <summary>Inputs that once did what they must not.</summary>
public sealed class FoundTests
{
    [Theory]
    [InlineData("PUT")]
    [InlineData("GET")]
    [InlineData("DELETE")]
    public async Task A_peer_that_answers_another_question_than_it_was_asked_is_taken_for_one_that_is_gone(string method)
    {
        await using var target = await ReplyTarget.OpenAsync(ReplyKind.Forwarding);
        var reply = new W.ForwardReply { Counted = new() { LiveKeys = 1, Group = 1, Epoch = 1 } }.ToByteArray();
        // A key of the peer's shard.
        var key = Enumerable.Range(0, 100).Select(i => $"k{i}").First(name => Kv.Common.Topology.HashRing.For(2).OwnerOf(new Kv.Common.Identity.Key(name).Position).Value == 1);
        byte[] input = [.. Encoding.ASCII.GetBytes($"{method} /key-value-store/{key}\n"), 0, 0, 0, (byte)reply.Length, .. reply];
        Assert.Equal($"{method} 503 Shard is unavailable", await target.RunAsync(input));
    }
}
