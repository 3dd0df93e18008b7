using Kv.TestSupport;
using Microsoft.Playwright;

namespace Kv.Console.Tests;

/// <summary>The console of one node in a browser context of its own. What the browser complained of fails the test at its end.</summary>
internal sealed class ConsolePage : IAsyncDisposable
{
    private readonly IBrowserContext _context;
    private readonly List<string> _complaints = [];
    private IRequest? _stream;

    private ConsolePage(IBrowserContext context, IPage page)
    {
        _context = context;
        Page = page;
        // An answer that is an error, or none, is the page's business, and the browser says so too.
        page.Console += (_, message) => Keep(message.Type is "error" or "warning" && !message.Text.StartsWith("Failed to load resource", StringComparison.Ordinal) ? message.Text : null);
        page.PageError += (_, error) => Keep(error);
        page.Request += (_, request) => _stream = request.Url.EndsWith("/events", StringComparison.Ordinal) ? request : _stream;
    }

    public IPage Page { get; }

    public ILocator Connection => Page.Locator("#connection");

    public ILocator ShardCount => Page.Locator("#ring-count");

    public ILocator Bar => Page.Locator("#reshard-bar");

    /// <summary>The header <c>Authorization</c> of the stream that the page opened last.</summary>
    public Task<string?> AuthorizationAsync() => _stream!.HeaderValueAsync("authorization");

    public static async Task<ConsolePage> OpenAsync(IBrowserContext context, string address)
    {
        var page = new ConsolePage(context, await context.NewPageAsync());
        await page.Page.GotoAsync($"http://{address}/console");
        await Assertions.Expect(page.Connection).ToHaveTextAsync("Live", new() { Timeout = 15000 });
        return page;
    }

    public ILocator RowOf(LocalNode node) => Page.Locator($"#node-rows tr[data-key='{node.Address}']");

    public ILocator Happening(string kind, string text) => Page.Locator($"#feed li[data-kind='{kind}']", new() { HasText = text });

    /// <summary>Waits until the node's row says so.</summary>
    public Task UntilAsync(LocalNode node, string state, TimeSpan within) =>
        Assertions.Expect(RowOf(node)).ToHaveAttributeAsync("data-state", state, new() { Timeout = (float)within.TotalMilliseconds });

    /// <summary>Presses Tab until that element has the focus, as somebody without a mouse does.</summary>
    public async Task TabToAsync(string id)
    {
        for (var presses = 0; presses < 60; presses++)
        {
            if (await Page.Locator($"#{id}:focus").CountAsync() == 1) return;
            await Page.Keyboard.PressAsync("Tab");
        }

        Assert.Fail($"{id} cannot be reached by Tab.");
    }

    public async ValueTask DisposeAsync()
    {
        await _context.DisposeAsync();
        Assert.Empty(_complaints);
    }

    private void Keep(string? complaint)
    {
        if (complaint is not null) _complaints.Add(complaint);
    }
}
