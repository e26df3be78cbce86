"""All words of the picture, in each language it speaks; numbers are written here too."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from tunesmith.evaluate.figures import FigureStyle, style_of
from tunesmith.report.paradigm.cost import Cost
from tunesmith.report.wording import shown, told

_PREFIXES = ((1e15, "P"), (1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k"), (1.0, ""), (1e-3, "m"), (1e-6, "µ"))
_TERA = 1e12
_SPANS = (("d", 172_800.0, 86_400.0), ("h", 7200.0, 3600.0), ("min", 600.0, 60.0))
"""Unit, from how many seconds on a time is told in it, and its seconds."""


@dataclass(frozen=True, slots=True)
class Language:
    """The picture's words in one language."""

    name: str
    """As ``lang`` attributes have it."""
    words: Mapping[str, str]
    """Sentences and titles; braces hold what is filled in."""
    steps: Mapping[str, str]
    """Rung to what it is, as the subject or the object of a sentence, in the singular."""
    paradigms: Mapping[str, str]
    """Paradigm to two or three words beside a rung's name."""
    figures: Mapping[str, str]
    """Figure of METRICS to its name; those left out have the usual one."""
    units: Mapping[str, str]
    gap: str
    """Between a number and its unit."""
    percent: str
    """What follows a number of percent."""
    between: str
    """Between two sentences."""

    def say(self, key: str, **filled: str) -> str:
        """Fill a sentence in.

        Args:
            key: Of ``words``.
            **filled: What goes into the braces; beginnings in capitals are taken care of.

        Returns:
            The sentence.
        """
        capitals = {name.capitalize(): text[:1].upper() + text[1:] for name, text in filled.items()}
        return self.words[key].format(**filled, **capitals)

    def step(self, name: str) -> str:
        """Say what a step is.

        Args:
            name: Of a rung, or of anything else that is measured, which then is told by its name.

        Returns:
            A noun.
        """
        return self.steps.get(name) or shown(name)

    def figure(self, name: str) -> str:
        """Name a figure.

        Args:
            name: As METRICS has it.

        Returns:
            Its name inside a sentence.
        """
        return self.figures.get(name, style_of(name).words)

    def score(self, style: FigureStyle, value: float) -> str:
        """Write a figure.

        Args:
            style: Of the figure.
            value: As METRICS has it.

        Returns:
            Percent or a number; its unit does not break.
        """
        return told(style, value).replace("\xa0%", self.percent)

    def told(self, cost: Cost, value: float | None) -> str:
        """Write a cost in the unit in which people tell it.

        Args:
            cost: How it is counted.
            value: In the cost's unit; None where nobody counted.

        Returns:
            Two or three figures and the unit, or that it is not counted.
        """
        if value is None:
            return self.words["not_counted"]
        if not cost.is_time:
            scale, unit = (_TERA, "FLOP") if cost.unit == "TFLOP" else (1.0, cost.unit)
            return self._with_prefix(scale * value, unit)
        for unit, least, seconds in _SPANS:
            if value >= least:
                number = value / seconds
                return self._joined(f"{number:.1f}" if number < 9.95 and unit != "min" else f"{number:.0f}", unit)
        return self._joined(f"{value:.1f}" if value < 9.95 else f"{value:.0f}", "s")

    def tick(self, cost: Cost, value: float) -> str:
        """Write a round value of an axis.

        Args:
            cost: How it is counted.
            value: In the cost's unit.

        Returns:
            The value and its unit.
        """
        if not cost.is_time:
            return self.told(cost, value)
        for unit, seconds in (("d", 86_400.0), ("h", 3600.0), ("min", 60.0)):
            if value >= seconds:
                return self._joined(f"{value / seconds:g}", unit)
        return self._joined(f"{value:g}", "s")

    def _with_prefix(self, value: float, unit: str) -> str:
        scale, prefix = next(((size, name) for size, name in _PREFIXES if value >= 0.9995 * size), _PREFIXES[-1])
        number = float(f"{value / scale:.2g}") if value < 99.5 * scale else round(value / scale)
        return f"{number:g}\xa0{prefix}{unit}"

    def _joined(self, number: str, unit: str) -> str:
        return f"{number}{self.gap}{self.units[unit]}"


ENGLISH = Language(
    name="en",
    words={
        "alone": "{Step} reaches {score}",
        "alone_deck": "It is the only step measured, so nothing says whether a cheaper or a dearer one would do.",
        "enough": "{Step} is enough",
        "enough_deck": "Nothing that costs more is proven better: {rival} comes to {gain} {points} "
        "({level}\xa0% interval {low} to {high}).",
        "needed": "This problem needs {step}",
        "needed_deck": "It is proven better than everything cheaper: {gain} {points} over {rival} "
        "({level}\xa0% interval {low} to {high}) for {extra} more.",
        "topped": "This problem needs {step}",
        "topped_deck": "Everything cheaper is proven worse than the best. What {rival} adds, {gain} {points} "
        "({level}\xa0% interval {low} to {high}) for {extra} more, is not proven ({p_value}).",
        "at_least": "This problem needs at least {step}",
        "at_least_deck": "Everything cheaper is proven worse than the best. Whether {rival} is better still, {rows} "
        "rows cannot tell: {gain} {points} ({level}\xa0% interval {low} to {high}) for {extra} more.",
        "undecided": "{rows} rows cannot tell {step} from {rival}",
        "undecided_deck": "{Rival} comes to {gain} {points}, and the {level}\xa0% interval reaches from {low} "
        "to {high}: "
        "neither proven nor excluded. More rows to measure on would tell.",
        "unrecorded": "{Step} reaches the most, {score}",
        "unrecorded_deck": "Not every step was held against it row by row, so nothing is said to be proven.",
        "though": "{headline}, though {most} brings most of it",
        "most_deck": "{Most} brings {part} of the {whole} {points} over {first}, for {cost} instead of {of_cost}.",
        "few_deck": "Only {rows} rows were there to judge by.",
        "apart": "{Step} reaches the most, {score}",
        "apart_deck": "These figures come from each model's own run. To hold models against one another row by "
        "row, give "
        "tunesmith compare a file of labelled rows as well.",
        "points": "points",
        "hundredths": "hundredths",
        "bought": "{name}: {gain} {points} ({low} to {high})",
        "bought_for": "for {extra} more",
        "bought_unproven": "for {extra} more, not proven",
        "kept": "{name}, kept",
        "not_counted": "not counted",
        "y_share": "{figure}, %",
        "y_number": "{figure}",
        "x_seconds": "time it takes, log scale",
        "x_flops": "operations it takes, log scale",
        "x_energy": "estimated energy it takes, log scale",
        "description": "{figure} against cost. {points}",
        "point": "{name}: {score} (95\xa0% interval {low} to {high}) at a cost of {cost}.",
        "rows_note": "Measured on the same {rows} rows; bars are 95\xa0% intervals.",
        "own_rows_note": "Each model's steps were measured on its own run's rows ({rows}); bars are 95\xa0% intervals.",
        "line_note": "The stepped line is the best so far as cost grows: filled marks lie on it, hollow ones cost more "
        "than something better.",
        "bought_note": "Gains along it: {level}\xa0% intervals, row by row.",
        "cost_note": "What a step costs is its own cost and that of the steps it starts from: {chains}.",
        "chain": "{name} includes {starts}",
        "and": " and ",
        "comma": ", ",
        "flops_note": "Operations by the shapes of the matrices; a multiply and an add are two.",
        "energy_measured": "Energy is estimated: time × {watts}\xa0W, the processor's own counter (RAPL) on "
        "average over the "
        "run, whatever else ran beside it.",
        "energy_assumed": "Energy is estimated: time × {watts}\xa0W, an assumption of {each}\xa0W for each core in use "
        "({cores}), not measured.",
        "shapes_note": "{shapes}.",
        "shape": "{shape}: {paradigm}",
        "square": "square",
        "triangle": "triangle",
        "circle": "circle",
        "diamond": "diamond",
        "pentagon": "pentagon",
        "machines_note": "{machines}.",
        "machine": "{name} on {machine}",
    },
    steps={
        "linear": "counting words",
        "static": "averaging word vectors",
        "cnn": "a CNN trained from scratch",
        "rnn": "an RNN trained from scratch",
        "gru": "a GRU trained from scratch",
        "lstm": "an LSTM trained from scratch",
        "transformer": "a Transformer trained from scratch",
        "probe": "the frozen encoder",
        "selftrain": "self-training",
        "contrast": "tuning by pairs",
        "finetune": "fine-tuning",
        "refine": "fine-tuning twice",
    },
    paradigms={
        "counts": "word counts",
        "scratch": "from scratch",
        "frozen": "frozen encoder",
        "tuned": "fine-tuned",
        "other": "other",
    },
    figures={},
    units={"s": "s", "min": "min", "h": "h", "d": "d"},
    gap="\xa0",
    percent="\xa0%",
    between=" ",
)

CHINESE = Language(
    name="zh",
    words={
        "alone": "{step}达到 {score}",
        "alone_deck": "只测了这一级，无从判断更省或更贵的做法是否合适。",
        "enough": "{step}就够了",
        "enough_deck": "更贵的做法都未被证明更好：{rival}相差 {gain} {points}（{level}% 区间 {low} 到 {high}）。",
        "needed": "这个问题需要{step}",
        "needed_deck": "它被证明优于所有更省的做法：比{rival}高 {gain} {points}（{level}% 区间 {low} 到 {high}）"
        "，多用 {extra}。",
        "topped": "这个问题需要{step}",
        "topped_deck": "所有更省的做法都被证明不如最好的一级。{rival}再加 {gain} {points}"
        "（{level}% 区间 {low} 到 {high}），多用 {extra}，未获证明（{p_value}）。",
        "at_least": "这个问题至少需要{step}",
        "at_least_deck": "所有更省的做法都被证明不如最好的一级。{rival}是否更好，{rows} 行还分不出来："
        "{gain} {points}（{level}% 区间 {low} 到 {high}），多用 {extra}。",
        "undecided": "{rows} 行分不出{step}与{rival}",
        "undecided_deck": "{rival}相差 {gain} {points}，{level}% 区间从 {low} 到 {high}：既未证明，也未排除。"
        "用更多的行来测才能判断。",
        "unrecorded": "{step}最高，达到 {score}",
        "unrecorded_deck": "没有逐行比较每一级，因此不说任何一级已被证明更好。",
        "though": "{headline}，而{most}已带来其中大部分",
        "most_deck": "{most}带来相对{first}的 {whole} {points}中的 {part} {points}，只用 {cost}，而不是 {of_cost}。",
        "few_deck": "可供判断的只有 {rows} 行。",
        "apart": "{step}最高，达到 {score}",
        "apart_deck": "这些数字来自各模型自己的训练。要逐行比较，请在 tunesmith compare 后再给一个有标签的文件。",
        "points": "个百分点",
        "hundredths": "个百分之一",
        "bought": "{name}：{gain} {points}（{low} 到 {high}）",
        "bought_for": "多用 {extra}",
        "bought_unproven": "多用 {extra}，未获证明",
        "kept": "{name}（保留）",
        "not_counted": "未计",
        "y_share": "{figure}，%",
        "y_number": "{figure}",
        "x_seconds": "所需时间，对数刻度",
        "x_flops": "所需计算量，对数刻度",
        "x_energy": "所需能量（估计），对数刻度",
        "description": "{figure}与代价。{points}",
        "point": "{name}：{score}（95% 区间 {low} 到 {high}），代价 {cost}。",
        "rows_note": "都在同样的 {rows} 行上测得；竖线是 95% 区间。",
        "own_rows_note": "各模型的各级在自己那次训练的行上测得（{rows}）；竖线是 95% 区间。",
        "line_note": "阶梯线是代价增加时的最好成绩：实心标记在线上，空心的比更好的还贵。",
        "bought_note": "线上的增益：逐行比较，{level}% 区间。",
        "cost_note": "一级的代价含它所依赖的各级：{chains}。",
        "chain": "{name} 含 {starts}",
        "and": " 和 ",
        "comma": "，",
        "flops_note": "按矩阵形状计算的运算次数；一次乘和一次加算两次。",
        "energy_measured": "能量为估计值：时间 × {watts}\xa0W，功率取处理器自带计数器（RAPL）在运行期间的平均，"
        "含同时运行的其他程序。",
        "energy_assumed": "能量为估计值：时间 × {watts}\xa0W，假定每个在用核心 {each}\xa0W（共 {cores} 个），"
        "并非实测。",
        "shapes_note": "{shapes}。",
        "shape": "{shape}：{paradigm}",
        "square": "方形",
        "triangle": "三角",
        "circle": "圆",
        "diamond": "菱形",
        "pentagon": "五边形",
        "machines_note": "{machines}。",
        "machine": "{name} 在 {machine} 上",
    },
    steps={
        "linear": "词频统计",
        "static": "词向量平均",
        "cnn": "从头训练的 CNN",
        "rnn": "从头训练的 RNN",
        "gru": "从头训练的 GRU",
        "lstm": "从头训练的 LSTM",
        "transformer": "从头训练的 Transformer",
        "probe": "冻结的编码器",
        "selftrain": "自训练",
        "contrast": "样本对调优",
        "finetune": "微调",
        "refine": "两次微调",
    },
    paradigms={
        "counts": "词频统计",
        "scratch": "从头训练",
        "frozen": "冻结编码器",
        "tuned": "微调",
        "other": "其他",
    },
    figures={
        "accuracy": "准确率",
        "macro_f1": "宏平均 F1",
        "micro_f1": "微平均 F1",
        "subset_accuracy": "子集准确率",
        "f1": "F1",
        "spearman": "斯皮尔曼秩相关",
        "pearson": "皮尔逊相关",
        "kappa": "加权 kappa",
    },
    units={"s": "秒", "min": "分钟", "h": "小时", "d": "天"},
    gap="\xa0",
    percent="%",
    between="",
)

LANGUAGES: Mapping[str, Language] = {language.name: language for language in (ENGLISH, CHINESE)}
"""By the names that ``--language`` takes."""
