using System.Diagnostics;
using Kv.Common.Identity;
using Kv.Common.Replication;
using Kv.Common.Topology;

namespace Kv.Node.Replica;

/// <summary>One thing for the replica's writer to do in its next group commit.</summary>
internal abstract class WriterWork
{
    /// <summary>Only a reason to look at the topology again.</summary>
    public static readonly WriterWork Nothing = new Wake();

    private WriterWork()
    {
    }

    /// <summary>Does it, in memory. <paramref name="scope"/> is that of the topology the step goes by.</summary>
    public abstract void Apply(ReplicaStep step, LayoutScope scope);

    /// <summary>It is durable.</summary>
    public virtual void Complete()
    {
    }

    /// <summary>It will not be done, or nobody knows whether it was.</summary>
    public virtual void Cancel()
    {
    }

    private sealed class Wake : WriterWork
    {
        public override void Apply(ReplicaStep step, LayoutScope scope)
        {
        }
    }

    /// <summary>A client's write. The only work that may be refused: nobody else can do the others.</summary>
    /// <param name="write">What to write.</param>
    /// <param name="since">When it began to wait; see <see cref="QueueDelay"/>.</param>
    internal sealed class Local(LocalWrite write, long since) : WriterWork
    {
        private readonly TaskCompletionSource<CommitResult> _completion = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private CommitResult? _result;

        public Task<CommitResult> Answer => _completion.Task;

        public long Since => since;

        /// <summary>The span of the write; default when it is not traced.</summary>
        public ActivityContext Trace { get; init; }

        /// <summary>The span of the group commit that it is part of, once that has begun; default when it is not traced.</summary>
        public ActivityContext GroupCommit { get; set; }

        public override void Apply(ReplicaStep step, LayoutScope scope) => _result = step.Apply(write);

        /// <summary>It is not done, and was not begun.</summary>
        public void Refuse(CommitResult reason) => _completion.TrySetResult(reason);

        public override void Complete() => _completion.TrySetResult(_result!);

        public override void Cancel() => _completion.TrySetCanceled(CancellationToken.None);
    }

    /// <summary>What a peer sent, by the layout and reshard that it knew.</summary>
    internal sealed class Delivered(IReadOnlyList<Passage> passages, LayoutScope sentIn, NodeIdentity? sender) : WriterWork
    {
        public override void Apply(ReplicaStep step, LayoutScope scope)
        {
            if (scope != sentIn || (sender is { } from && !step.Admits(from))) return;
            foreach (var passage in passages) step.Deliver(passage);
        }
    }

    /// <summary>Something whose result somebody waits for.</summary>
    internal sealed class Asked<T>(Func<ReplicaStep, T> change) : WriterWork
    {
        private readonly TaskCompletionSource<T> _completion = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private T? _result;

        public Task<T> Answer => _completion.Task;

        public override void Apply(ReplicaStep step, LayoutScope scope) => _result = change(step);

        public override void Complete() => _completion.TrySetResult(_result!);

        public override void Cancel() => _completion.TrySetCanceled(CancellationToken.None);
    }
}
