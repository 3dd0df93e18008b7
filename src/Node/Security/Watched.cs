using System.Security.Cryptography;
using System.Text;
using Kv.Node.Signals;
using Kv.Node.Telemetry;

namespace Kv.Node.Security;

/// <summary>
/// Something read from files that may be exchanged while the node runs. Each reader takes the current version once and works with that; whoever has to be told of a later one waits for it.
/// </summary>
internal interface IWatched
{
    /// <summary>Reads the files again if they have changed. What cannot be used changes nothing, and is said once.</summary>
    void Look();
}

/// <inheritdoc cref="IWatched"/>
internal sealed partial class Watched<T> : IWatched
    where T : class
{
    private readonly string _what;
    private readonly IReadOnlyList<(string Setting, string Path)> _files;
    private readonly Func<T> _load;
    private readonly KvMetrics? _metrics;
    private readonly ILogger _logger;
    private string _seen;
    private string? _unusable;
    private string? _last;
    private readonly Published<T> _versions;

    /// <summary>Loads it; throws <see cref="UnusableFileException"/> when it cannot be used to begin with. <paramref name="what"/>: for the log and the metrics.</summary>
    public Watched(string what, IReadOnlyList<(string Setting, string Path)> files, Func<T> load, KvMetrics? metrics, ILogger logger)
    {
        (_what, _files, _load, _metrics, _logger) = (what, files, load, metrics, logger);
        // Before it is loaded: what changes in between is found to be new.
        _seen = Contents();
        _versions = new(load());
    }

    public T Current => _versions.Current;

    /// <summary>The first version, current or later, for which <paramref name="condition"/> holds. The condition must be cheap and must not block.</summary>
    public ValueTask<T> WaitAsync(Func<T, bool> condition, CancellationToken cancellation) => _versions.WaitAsync(condition, cancellation);

    public void Look()
    {
        try
        {
            var contents = Contents();
            if (contents == _seen) return;
            _last = contents;
            _versions.Publish(_load());
            (_seen, _unusable) = (contents, null);
            _metrics?.Reloaded(_what, isUsable: true);
            LogReloaded(_logger, _what);
        }
        catch (Exception unusable)
        {
            // Whatever is in a file, the node goes on. It is tried again each time, because it may be good later: one that is not yet valid, say. Told once.
            if (_unusable == _last) return;
            _unusable = _last;
            _metrics?.Reloaded(_what, isUsable: false);
            LogUnusable(_logger, _what, unusable.Message);
        }
    }

    // By content: times and sizes may stay the same, and a link may come to point elsewhere. A digest, so that no second copy of a key is kept.
    private string Contents()
    {
        try
        {
            return string.Join('|', _files.Select(file => Convert.ToHexString(SHA256.HashData(Encoding.UTF8.GetBytes(SecretFile.Read(file.Setting, file.Path))))));
        }
        catch (UnusableFileException unusable) when (_versions is not null)
        {
            // Remembered as what is seen: said once, and again when it comes to be something else.
            return unusable.Message;
        }
    }

    [LoggerMessage(9000, LogLevel.Information, "The files of {What} have changed: the new ones are in use")]
    private static partial void LogReloaded(ILogger logger, string what);

    [LoggerMessage(9001, LogLevel.Error, "The files of {What} have changed and cannot be used, so the old ones stay in use: {Reason}")]
    private static partial void LogUnusable(ILogger logger, string what, string reason);
}
