using Microsoft.Extensions.Logging;

namespace Kv.Fuzz.Hosting;

/// <summary>What the node logs as an error: what it caught at its doors, and why it ended.</summary>
internal sealed class ErrorLog : ILoggerProvider
{
    private readonly Lock _gate = new();
    private readonly List<Entry> _entries = [];
    private volatile bool _any;

    public ILogger CreateLogger(string categoryName) => new Logger(this, categoryName);

    /// <summary>What was logged since it was last asked.</summary>
    public IReadOnlyList<Entry> Take()
    {
        if (!_any) return [];
        lock (_gate)
        {
            Entry[] taken = [.. _entries];
            _entries.Clear();
            _any = false;
            return taken;
        }
    }

    public void Dispose()
    {
    }

    private void Add(Entry entry)
    {
        lock (_gate) _entries.Add(entry);
        _any = true;
    }

    internal sealed record Entry(string Category, int Event, string Text, Exception? Exception);

    private sealed class Logger(ErrorLog log, string category) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => logLevel >= LogLevel.Error;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            if (IsEnabled(logLevel)) log.Add(new(category, eventId.Id, formatter(state, exception), exception));
        }
    }
}
