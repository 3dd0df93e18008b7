using Microsoft.Extensions.Logging;

namespace Kv.Node.Tests.VirtualTime;

/// <summary>Keeps the messages of every category that is given the same <paramref name="messages"/>.</summary>
internal sealed class RecordingLogger<T>(List<(int Event, string Text)> messages) : ILogger<T>
{
    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => logLevel >= LogLevel.Debug;

    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
    {
        if (IsEnabled(logLevel)) messages.Add((eventId.Id, formatter(state, exception)));
    }
}
