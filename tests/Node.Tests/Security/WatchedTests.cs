using Kv.Node.Security;
using Kv.Node.Tests.VirtualTime;

namespace Kv.Node.Tests.Security;

public sealed class WatchedTests : IDisposable
{
    private readonly string _file = Path.GetTempFileName();
    private readonly List<(int Event, string Text)> _messages = [];

    [Fact]
    public void A_new_file_is_used_when_it_is_looked_at()
    {
        var watched = Watch("one");
        watched.Look();
        Assert.Equal("one", watched.Current);
        File.WriteAllText(_file, "two");
        Assert.Equal("one", watched.Current);
        watched.Look();
        Assert.Equal("two", watched.Current);
        Assert.Equal([9000], _messages.Select(message => message.Event));
    }

    [Fact]
    public void A_bad_one_changes_nothing_and_is_said_once()
    {
        var watched = Watch("one");
        foreach (var bad in (string[])["bad", "bad", "bad again"])
        {
            File.WriteAllText(_file, bad);
            watched.Look();
            Assert.Equal("one", watched.Current);
        }

        File.Delete(_file);
        watched.Look();
        watched.Look();
        Assert.Equal("one", watched.Current);
        Assert.Equal([9001, 9001, 9001], _messages.Select(message => message.Event));
        Assert.Contains("cannot be read", _messages[^1].Text, StringComparison.Ordinal);

        File.WriteAllText(_file, "two");
        watched.Look();
        Assert.Equal("two", watched.Current);
    }

    [Fact]
    public void One_that_cannot_be_used_yet_is_used_when_it_can()
    {
        var isGood = true;
        File.WriteAllText(_file, "one");
        var watched = new Watched<string>(
            "tests", [("Setting", _file)], () => isGood ? File.ReadAllText(_file) : throw new InvalidOperationException("not yet"), null, new RecordingLogger<WatchedTests>(_messages));
        isGood = false;
        File.WriteAllText(_file, "two");
        watched.Look();
        watched.Look();
        Assert.Equal("one", watched.Current);
        isGood = true;
        watched.Look();
        Assert.Equal("two", watched.Current);
        Assert.Equal([9001, 9000], _messages.Select(message => message.Event));
    }

    [Fact]
    public void One_that_is_bad_to_begin_with_is_refused() => Assert.Throws<UnusableFileException>(() => Watch("bad"));

    public void Dispose() => File.Delete(_file);

    private Watched<string> Watch(string text)
    {
        File.WriteAllText(_file, text);
        return new("tests", [("Setting", _file)], () => SecretFile.Read("Setting", _file) is var read && read.StartsWith("bad", StringComparison.Ordinal) ? throw new UnusableFileException(read) : read, null, new RecordingLogger<WatchedTests>(_messages));
    }
}
