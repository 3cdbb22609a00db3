using LoadBalancer.Kubectl.Output;

namespace LoadBalancer.Kubectl.Why;

/// <summary>The chain for people; the last lines are the verdict and the next command.</summary>
internal static class WhyText
{
    /// <summary>Writes it.</summary>
    public static string Of(WhyReport report, bool isColoured)
    {
        var paper = new Paper(isColoured).Line(report.Service, Tone.Heading);
        foreach (var group in report.Steps.GroupBy(static step => step.Name))
        {
            foreach (var (step, index) in group.Select(static (step, index) => (step, index)))
            {
                var mark = step.State switch { Step.WellState => "+", Step.WrongState => "!", _ => "-" };
                paper.Line($"{(index == 0 ? step.Name : ""),-11} {mark} {step.Text}", step.State switch
                {
                    Step.WellState => Tone.Well,
                    Step.WrongState => Tone.Wrong,
                    _ => Tone.Plain,
                });
            }
        }

        return paper.Line($"{(report.Well ? "Well:" : "Why: ")} {report.Verdict}", report.Well ? Tone.Well : Tone.Wrong).Line($"Next:  {report.Next}").ToString();
    }
}
