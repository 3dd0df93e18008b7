using Kv.TestSupport;
using Microsoft.Playwright;
using static Microsoft.Playwright.Assertions;

namespace Kv.Console.Tests;

/// <summary>What the page shows of nodes that come and go.</summary>
[Collection(nameof(Browsed))]
public sealed class NodesTests(Browsed browsed)
{
    private const string Green = "rgb(23, 112, 58)";
    private const string Red = "rgb(179, 38, 30)";

    // The failure detector's bound with its defaults is 2.6 s; then a look, and the page.
    private static readonly TimeSpan DetectionBound = TimeSpan.FromSeconds(4);

    [Fact]
    public async Task A_killed_node_turns_red_within_the_detection_time_and_green_when_it_is_back()
    {
        await using var console = await browsed.OpenAsync(node: 0);
        foreach (var node in browsed.Nodes) await console.UntilAsync(node, "alive", TimeSpan.FromSeconds(5));
        await Expect(console.Page.Locator("#tile-nodes")).ToHaveTextAsync("6 of 6");
        var victim = browsed.Nodes[3];
        await Expect(StateOf(console, victim)).ToHaveCSSAsync("color", Green);

        await victim.Process.KillAsync();
        await console.UntilAsync(victim, "dead", DetectionBound);
        await Expect(console.Page.Locator("#tile-nodes")).ToHaveTextAsync("5 of 6");
        await Expect(console.Happening("node-dead", victim.Address).First).ToBeVisibleAsync();
        await Expect(StateOf(console, victim)).ToHaveCSSAsync("color", Red);

        await victim.RestartAsync();
        await console.UntilAsync(victim, "alive", TimeSpan.FromSeconds(10));
        await Expect(console.Happening("node-back", victim.Address).First).ToBeVisibleAsync();
    }

    [Fact]
    public async Task The_page_outlives_its_node_names_the_others_and_goes_on_when_it_is_back()
    {
        var own = 5;
        await using var console = await browsed.OpenAsync(own);
        await browsed.Nodes[own].Process.KillAsync();
        await Expect(console.Connection).ToHaveTextAsync("Connection lost");
        await Expect(console.Page.GetByRole(AriaRole.Alert)).ToContainTextAsync("has not answered since");
        foreach (var other in browsed.Nodes.Take(own))
            await Expect(console.Page.Locator("#lost-nodes a", new() { HasText = other.Address })).ToHaveAttributeAsync("href", $"http://{other.Address}/console");

        // What it said last is still there to be read.
        await Expect(console.Page.Locator("#node-rows tr")).ToHaveCountAsync(6);
        await browsed.Nodes[own].RestartAsync();
        await Expect(console.Connection).ToHaveTextAsync("Live", new() { Timeout = 10000 });
        await Expect(console.Page.GetByRole(AriaRole.Alert)).ToBeHiddenAsync();
    }

    [Fact]
    public async Task A_key_for_the_interface_goes_with_every_request_and_with_the_tab()
    {
        await using var console = await browsed.OpenAsync(node: 0);
        Assert.Null(await console.AuthorizationAsync());
        await console.Page.GetByText("API key", new() { Exact = true }).ClickAsync();
        await console.Page.Locator("#api-key-input").FillAsync("sesame");
        await console.Page.GetByRole(AriaRole.Button, new() { Name = "Use key" }).ClickAsync();
        await Expect(console.Page.Locator("#api-key-note")).ToHaveTextAsync("In use.");
        await console.Page.ReloadAsync();
        await Expect(console.Connection).ToHaveTextAsync("Live");
        Assert.Equal("Bearer sesame", await console.AuthorizationAsync());
    }

    private static ILocator StateOf(ConsolePage console, LocalNode node) => console.RowOf(node).Locator(".state");
}
