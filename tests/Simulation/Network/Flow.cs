using Kv.Simulation.Time;

namespace Kv.Simulation.Network;

/// <summary>
/// One direction of a connection, as TCP gives it: a bounded window, in order, each message once or not at all. A cut link shows as silence, never as a
/// hole; the end of the stream, or its reset, travels behind the messages before it.
/// </summary>
internal sealed class Flow<T>(SimNetwork network, Link link, SimProcess receiver, Action<string> onReset, Action onRefused, int capacity) : IFlow
    where T : class
{
    private readonly Queue<Frame> _underWay = new();
    private readonly Queue<T> _arrived = new();
    private TaskCompletionSource? _receiverWaits;
    private TaskCompletionSource? _senderWaits;
    private long _lastArrival;
    private bool _isStalled;
    private bool _isReceiverGone;

    private enum FrameKind
    {
        Message,
        End,
        Reset,
    }

    /// <summary>The sender ended the stream and everything before that was received.</summary>
    public bool IsEnded { get; private set; }

    /// <summary>Nothing more is taken or given.</summary>
    public bool IsClosed { get; private set; }

    /// <summary>The most messages that were ever in the flow at once.</summary>
    public int Depth => _underWay.Count + _arrived.Count;

    public bool IsWritable => IsClosed || Depth < capacity;

    private bool IsReadable => IsClosed || IsEnded || _isReceiverGone || _arrived.Count > 0;

    /// <summary>Waits until it is worth trying to send again.</summary>
    public ValueTask WaitWritableAsync(CancellationToken cancellation) =>
        IsWritable ? ValueTask.CompletedTask : WaitAsync(_senderWaits = new(TaskCreationOptions.RunContinuationsAsynchronously), cancellation);

    /// <summary>Waits until it is worth trying to receive again.</summary>
    public ValueTask WaitReadableAsync(CancellationToken cancellation) =>
        IsReadable ? ValueTask.CompletedTask : WaitAsync(_receiverWaits = new(TaskCreationOptions.RunContinuationsAsynchronously), cancellation);

    public void Send(T message) => Send(new Frame(FrameKind.Message, message, null));

    public void End() => Send(new Frame(FrameKind.End, null, null));

    public void Reset(string reason) => Send(new Frame(FrameKind.Reset, null, reason));

    public bool TryReceive(out T message)
    {
        if (!_arrived.TryDequeue(out message!)) return false;
        Wake(ref _senderWaits);
        return true;
    }

    /// <summary>Both ends give up; whoever waits wakes and finds out.</summary>
    public void Close()
    {
        IsClosed = true;
        _underWay.Clear();
        _arrived.Clear();
        Wake(ref _receiverWaits);
        Wake(ref _senderWaits);
    }

    /// <summary>The receiver has given up. The sender does not know yet: what it sends will be refused.</summary>
    public void CloseReceiver()
    {
        _isReceiverGone = true;
        _arrived.Clear();
        Wake(ref _receiverWaits);
    }

    public void WakeSender() => Wake(ref _senderWaits);

    public void Retransmit()
    {
        if (!_isStalled) return;
        _isStalled = false;
        Arrive(_underWay.Count);
    }

    public void Refused() => onRefused();

    private void Send(Frame frame)
    {
        if (IsClosed) return;
        _underWay.Enqueue(frame);
        var scheduler = network.Scheduler;
        _lastArrival = Math.Max(_lastArrival, scheduler.Now + network.DrawDelay(link).Ticks);
        scheduler.After(TimeSpan.FromTicks(_lastArrival - scheduler.Now), () => Arrive(1));
    }

    private void Arrive(int frames)
    {
        for (; frames > 0 && _underWay.Count > 0 && !_isStalled && !IsClosed; frames--)
        {
            if (link.IsCut)
            {
                _isStalled = true;
                link.Stalled.Add(this);
                return;
            }

            if (receiver.IsDead)
            {
                _isStalled = true;
                network.ArrivedAtDead(receiver, this);
                return;
            }

            network.Scheduler.Trace.Add((ulong)receiver.Id, (ulong)_underWay.Count);
            var frame = _underWay.Dequeue();
            if (_isReceiverGone && frame.Kind is FrameKind.Message)
            {
                network.Scheduler.After(network.DrawDelay(link), onRefused);
                IsClosed = true;
                _underWay.Clear();
                Wake(ref _senderWaits);
                return;
            }

            if (frame.Kind is FrameKind.Reset)
            {
                onReset(frame.Reason!);
                return;
            }

            if (frame.Kind is FrameKind.End) IsEnded = true;
            else _arrived.Enqueue(frame.Message!);
            network.MessagesDelivered++;
            if (frame.Message is { } arrived) network.Arrived?.Invoke(receiver.Name, arrived);
            Wake(ref _receiverWaits);
        }
    }

    private static async ValueTask WaitAsync(TaskCompletionSource woken, CancellationToken cancellation)
    {
        using var registration = cancellation.UnsafeRegister(static (state, token) => ((TaskCompletionSource)state!).TrySetCanceled(token), woken);
        await woken.Task;
    }

    private static void Wake(ref TaskCompletionSource? waiting)
    {
        var woken = waiting;
        waiting = null;
        woken?.TrySetResult();
    }

    private readonly record struct Frame(FrameKind Kind, T? Message, string? Reason);
}
