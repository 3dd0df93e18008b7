using Kv.Faults.Nemesis;

namespace Kv.Faults.Testbeds;

/// <summary>
/// Six nodes that run for real, and what can be done to them. Whatever is begun here is ended by disposing what the call returned; disposing the testbed ends
/// and removes everything it made, whatever state it is in. Calls do not overlap for the same node.
/// </summary>
internal interface ITestbed : IAsyncDisposable
{
    /// <summary>How many nodes every testbed has.</summary>
    const int NodeCount = 6;

    /// <summary>How many shards they begin with.</summary>
    const int ShardCount = 2;

    /// <summary>The node whose disk can be filled, where one was asked for.</summary>
    const int SmallDiskNode = NodeCount - 1;

    /// <summary>Sealing their tokens with it, the nodes refuse what was not made by one of them.</summary>
    const string ClusterSecret = "fault-suite";

    IReadOnlyList<TestNode> Nodes { get; }

    /// <summary>In a word, for reports.</summary>
    string Name { get; }

    /// <summary>Null when this machine can bring that fault about here; else what is missing.</summary>
    string? WhyNot(FaultKind fault);

    /// <summary>Starts all nodes, empty.</summary>
    Task StartAsync(CancellationToken stop);

    /// <summary>SIGKILL to all of them, as nearly at once as can be; ends when they are gone.</summary>
    Task KillAsync(params IReadOnlyList<TestNode> nodes);

    /// <summary>SIGTERM; ends when the node has ended. What was wrong with that: it must end by itself, within ten seconds, and say that all was well. Null when it did.</summary>
    Task<string?> TerminateAsync(TestNode node);

    /// <summary>Starts nodes that do not run, on the data they have.</summary>
    Task StartAgainAsync(params IReadOnlyList<TestNode> nodes);

    /// <summary>Takes away everything that a node which does not run has stored.</summary>
    Task LoseDataAsync(TestNode node);

    Task PauseAsync(TestNode node);

    Task ResumeAsync(TestNode node);

    /// <summary>Nothing that is sent on these links arrives.</summary>
    Task<IAsyncDisposable> CutAsync(IReadOnlyList<Link> links);

    /// <summary>That share of all packets between the node and the others is lost, each way.</summary>
    Task<IAsyncDisposable> LosePacketsAsync(TestNode node, double share);

    /// <summary>What the node and the others send each other takes so much longer, each way.</summary>
    Task<IAsyncDisposable> DelayAsync(TestNode node, TimeSpan delay);

    /// <summary>The node sends no more than that.</summary>
    Task<IAsyncDisposable> NarrowAsync(TestNode node, int bytesPerSecond);

    /// <summary>The node's disk takes no more than so many writes a second.</summary>
    Task<IAsyncDisposable> SlowDiskAsync(TestNode node, int writesPerSecond);

    /// <summary>Nothing more fits on the disk of <see cref="SmallDiskNode"/>.</summary>
    Task<IAsyncDisposable> FillDiskAsync(TestNode node);

    /// <summary>The last of what the node wrote to its log, for people.</summary>
    Task<string> LogAsync(TestNode node);
}
