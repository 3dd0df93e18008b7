using System.Diagnostics.Metrics;

namespace Kv.Node.Tests.Security;

/// <summary>Sees that new files could not be used. At the instrument itself: what a node of this process exports depends on which others come and go meanwhile.</summary>
internal sealed class Refusals : IDisposable
{
    private readonly MeterListener _listener = new();
    private readonly TaskCompletionSource _seen = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <param name="what">Of what the files are, as the metric names it.</param>
    public Refusals(string what)
    {
        _listener.InstrumentPublished = (instrument, listener) =>
        {
            if (instrument.Name == "kv.security.reloads") listener.EnableMeasurementEvents(instrument);
        };
        _listener.SetMeasurementEventCallback<long>((_, _, tags, _) =>
        {
            var told = tags.ToArray();
            if (told.Contains(new("what", what)) && told.Contains(new("usable", false))) _seen.TrySetResult();
        });
        _listener.Start();
    }

    /// <summary>Completes when it was seen.</summary>
    public Task SeenAsync() => _seen.Task.WaitAsync(SecuredNode.Soon);

    public void Dispose() => _listener.Dispose();
}
